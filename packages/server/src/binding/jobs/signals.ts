import { listMailboxes, sendSignals, wakeJob } from '@ojs-ts/core/handlers';
import { run } from '@ojs-ts/core/lifecycle';
import type { Handlers } from '../handler.ts';
import { refusalOf } from '../workers/steps.ts';

export const signalHandlers: Handlers<'signal.send' | 'signal.list' | 'job.wake'> = {
  'signal.send': async (engine, request, _about, failed) =>
    run(sendSignals(engine, request, refusalOf(request, failed))),
  'signal.list': async (engine, request) => run(listMailboxes(engine, request)),
  'job.wake': async (engine, request) => run(wakeJob(engine, request)),
};
