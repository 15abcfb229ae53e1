import { sendSignals, wakeJob } from '@ojs-ts/core/handlers';
import { run } from '@ojs-ts/core/lifecycle';
import type { Handlers } from '../handler.ts';
import { refusalOf } from '../workers/steps.ts';

export const signalHandlers: Handlers<'signal.send' | 'job.wake'> = {
  'signal.send': async (engine, request, _about, failed) =>
    run(sendSignals(engine, request, refusalOf(request, failed))),
  'job.wake': async (engine, request) => run(wakeJob(engine, request)),
};
