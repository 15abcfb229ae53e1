import { readCron } from '@ojs-ts/core/cron';
import { cronDestination, type Json } from '@ojs-ts/core/job';
import {
  cronNameOf,
  cronReply,
  cronRuns,
  listCrons,
  previewRuns,
  registeredReply,
  removedCronReply,
  requireBody,
  showCron,
  triggeredReply,
  updateCron,
} from '@ojs-ts/core/requests';
import type { Parts } from '../engine/engine.ts';
import type { QueueAccess } from './access.ts';
import type { BindingRequest, Handlers } from './handler.ts';
import { Ids } from './ids.ts';
import type { Reply } from './reply.ts';
import { checkRequest } from './schemas.ts';

type Engine = Parts<'clock' | 'crons' | 'queueBound' | 'schemas'>;

export const cronHandlers: Handlers<
  | 'cron.list'
  | 'cron.register'
  | 'cron.get'
  | 'cron.update'
  | 'cron.remove'
  | 'cron.trigger'
  | 'cron.pause'
  | 'cron.resume'
  | 'cron.runs'
  | 'cron.preview'
> = {
  'cron.list': async ({ crons }, { query }) => listCrons(crons, query),
  'cron.register': registerCron,
  'cron.get': async ({ crons }, { params }) => showCron(crons, cronNameOf(params)),
  'cron.update': async (engine, { params, body, access }) =>
    cronReply(await updateCron(engine.crons, cronNameOf(params), body, checkOf(engine, access))),
  'cron.remove': async ({ crons }, { params }) => removedCronReply(await crons.remove(cronNameOf(params))),
  'cron.trigger': triggerCron,
  'cron.pause': async ({ crons }, { params }) => cronReply(await crons.enable(cronNameOf(params), false)),
  'cron.resume': async ({ crons }, { params }) => cronReply(await crons.enable(cronNameOf(params), true)),
  'cron.runs': async ({ crons, clock }, { params, query }) =>
    cronRuns(await crons.get(cronNameOf(params)), query, clock.now()),
  'cron.preview': ({ clock }, { body }) => previewRuns(body, clock.now()),
};

async function registerCron(engine: Engine, { body, access }: BindingRequest): Promise<Reply> {
  const text = requireBody(body);
  // A cron with this name may belong to another queue.
  if (access) await access.cron(readCron(text, engine.clock.now()).name);
  const registered = await engine.crons.register(text, checkOf(engine, access));
  return { ...registeredReply(registered), warnings: registered.warnings };
}

function checkOf(engine: Engine, access: QueueAccess | undefined): (enqueue: Json) => Promise<void> {
  return async (enqueue) => {
    access?.template(enqueue);
    const destination = cronDestination(JSON.stringify({ enqueue }), engine.clock.now());
    if (destination !== null) await engine.queueBound.admit([destination.queue]);
    await checkRequest(engine, enqueue);
  };
}

async function triggerCron(engine: Engine, { params, key }: BindingRequest): Promise<Reply> {
  const name = cronNameOf(params);
  const id = key === null ? null : new Ids(engine, key, `cron.trigger\n${name}`).next();
  return triggeredReply(await engine.crons.trigger(name, id));
}
