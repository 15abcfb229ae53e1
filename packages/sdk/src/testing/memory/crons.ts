import { type CronRecord, Crons } from '@ojs-ts/core/cron';
import { atOnce } from '@ojs-ts/core/lifecycle';
import {
  cronNameOf,
  cronReply,
  cronRuns,
  listCrons,
  type PlainReply,
  previewRuns,
  registeredReply,
  removedCronReply,
  requireBody,
  showCron,
  triggeredReply,
  updateCron,
} from '@ojs-ts/core/requests';
import type { Answers, Request } from './reply.ts';
import type { Table } from './table.ts';

/** Args are checked against no schema. */
const unchecked = () => {};

export function cronsOf(table: Table): Crons {
  return new Crons(table, table.clock, { warn() {}, error() {} });
}

export function cronAnswers(crons: Crons, { clock }: Table): Answers {
  return {
    'cron.list': ({ query }) => listCrons(crons, query),
    'cron.register': ({ body }) => register(crons, body),
    'cron.get': ({ params }) => atOnce(showCron(crons, cronNameOf(params))),
    'cron.remove': ({ params }) => removedCronReply(atOnce(crons.remove(cronNameOf(params)))),
    'cron.update': ({ params, body }) => cronReply(atOnce(updateCron(crons, cronNameOf(params), body, unchecked))),
    'cron.runs': (request) => cronRuns(find(crons, request), request.query, clock.now()),
    'cron.preview': ({ body }) => previewRuns(body, clock.now()),
    'cron.pause': ({ params }) => cronReply(atOnce(crons.enable(cronNameOf(params), false))),
    'cron.resume': ({ params }) => cronReply(atOnce(crons.enable(cronNameOf(params), true))),
    'cron.trigger': ({ params }) => triggeredReply(atOnce(crons.trigger(cronNameOf(params)))),
  };
}

function find(crons: Crons, { params }: Request): CronRecord {
  return atOnce(crons.get(cronNameOf(params)));
}

function register(crons: Crons, body: string | undefined): PlainReply {
  const registered = atOnce(crons.register(requireBody(body), unchecked));
  const { warnings } = registered;
  const reply = registeredReply(registered);
  return warnings.length === 0
    ? reply
    : { ...reply, text: `${reply.text.slice(0, -1)},"warnings":${JSON.stringify(warnings)}}` };
}
