import {
  atOnce,
  type CronRecord,
  type CronStore,
  Crons,
  cronNameOf,
  cronReply,
  cronRuns,
  type Firing,
  fired,
  type Inserted,
  isIn,
  listCrons,
  type PlainReply,
  previewRuns,
  putCron,
  registeredReply,
  removedCronReply,
  requireBody,
  showCron,
  Terminal,
  triggeredReply,
  updateCron,
} from '@ojs-ts/core';
import type { Answers, Request } from './reply.ts';
import type { Table } from './table.ts';

const silent = { warn() {}, error() {} };

/** Args are checked against no schema. */
const unchecked = () => {};

export function cronsOf(table: Table): Crons {
  const { jobs, clock } = table;
  return new Crons(
    {
      crons: cronRows(table),
      jobs,
      registry: { limit: () => null },
      record: (events) => table.record(events),
    },
    clock,
    silent,
  );
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

function cronRows(table: Table): CronStore['crons'] {
  const rows = new Map<string, CronRecord>();
  const put = (cron: CronRecord) => {
    rows.set(cron.name, cron);
    return cron;
  };
  const fire = (firing: Firing): { readonly inserted: Inserted | null } | null => {
    const cron = rows.get(firing.name);
    if (cron?.version !== firing.version) return null;
    for (const cancel of firing.cancels) table.move(cancel);
    const inserted = firing.job === null ? null : table.insertOne(firing.job);
    if (inserted?.kind !== 'duplicate') table.record(firing.events);
    put(fired(cron, firing, inserted, table.now));
    return { inserted };
  };
  return {
    list: () => [...rows.values()].sort(byName),
    get: (name) => rows.get(name) ?? null,
    put(given, now, expected) {
      const known = rows.get(given.name) ?? null;
      if (expected !== undefined && expected !== (known?.version ?? 0)) return null;
      return { created: known === null, cron: put(putCron(known, given, now)) };
    },
    remove(name) {
      const known = rows.get(name) ?? null;
      rows.delete(name);
      return known;
    },
    due(now, limit) {
      const due = [...rows.values()].filter(({ enabled, dueAt }) => enabled && dueAt !== null && dueAt <= now);
      return due.sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0) || byName(a, b)).slice(0, limit);
    },
    unfinished: (names, limit) =>
      names.map((name) =>
        [...table.rows.values()].filter((job) => job.cron === name && !isIn(job.state, Terminal)).slice(0, limit),
      ),
    fire: (firings) => firings.map(fire),
  };
}

function byName(a: CronRecord, b: CronRecord): number {
  return a.name < b.name ? -1 : 1;
}
