import {
  cronNameOf,
  cronReply,
  cronRuns,
  listCrons,
  previewRuns,
  registeredReply,
  removedCronReply,
  requireBody,
  triggeredReply,
  updateCron,
} from '@ojs-ts/core';
import type { Engine } from '../engine/engine.ts';
import type { BindingRequest, Handlers } from './handler.ts';
import { Ids } from './ids.ts';
import type { Reply } from './reply.ts';
import { checkRequest } from './schemas.ts';

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
  'cron.get': async ({ crons }, { params }) => cronReply(await crons.get(cronNameOf(params))),
  'cron.update': async (engine, { params, body }) =>
    cronReply(await updateCron(engine.crons, cronNameOf(params), body, (enqueue) => checkRequest(engine, enqueue))),
  'cron.remove': async ({ crons }, { params }) => removedCronReply(await crons.remove(cronNameOf(params))),
  'cron.trigger': triggerCron,
  'cron.pause': async ({ crons }, { params }) => cronReply(await crons.enable(cronNameOf(params), false)),
  'cron.resume': async ({ crons }, { params }) => cronReply(await crons.enable(cronNameOf(params), true)),
  'cron.runs': async ({ crons, clock }, { params, query }) =>
    cronRuns(await crons.get(cronNameOf(params)), query, clock.now()),
  'cron.preview': ({ clock }, { body }) => previewRuns(body, clock.now()),
};

async function registerCron(engine: Engine, { body }: BindingRequest): Promise<Reply> {
  const registered = await engine.crons.register(requireBody(body), (enqueue) => checkRequest(engine, enqueue));
  return { ...registeredReply(registered), warnings: registered.warnings };
}

async function triggerCron(engine: Engine, { params, key }: BindingRequest): Promise<Reply> {
  const name = cronNameOf(params);
  const id = key === null ? null : new Ids(engine, key, `cron.trigger\n${name}`).next();
  return triggeredReply(await engine.crons.trigger(name, id));
}
