import type { CronRecord, Crons, Firing } from '../storage.ts';
import type { Packed } from './connection/msgpack.ts';
import * as packed from './connection/packed.ts';
import { integer, integerOrNull, listOf, type Reply, text, textOrNull } from './connection/reply.ts';
import type { Scripts } from './connection/scripts.ts';
import * as rows from './rows.ts';

export function crons(scripts: Scripts): Crons {
  const listed = async (...args: readonly (string | number)[]) => {
    const cells = listOf(await scripts.run('cron_list', args));
    return cells.flatMap((cell, at) => (at % 2 === 0 ? [readCron(text(cell), cells[at + 1])] : []));
  };
  return {
    async list() {
      return (await listed('all')).sort(byName);
    },

    async get(name) {
      return (await listed('one', name))[0] ?? null;
    },

    async put({ name, spec, enabled, dueAt }, now, expected) {
      const reply = await scripts.run('cron_put', [now, name, spec, enabled ? 1 : '', dueAt ?? '', expected ?? '']);
      if (reply === null) return null;
      const [created, cron] = listOf(reply);
      return { created: created === 1, cron: readCron(name, cron) };
    },

    async remove(name) {
      const reply = await scripts.run('cron_remove', [name]);
      return reply === null ? null : readCron(name, reply);
    },

    due: (now, limit) => listed('due', now, limit),

    async unfinished(names, limit) {
      if (limit <= 0) return names.map(() => []);
      const answers = packed.listOf(await scripts.exchange('cron_unfinished', { names, limit }));
      return answers.map((jobs) => packed.listOf(jobs).map(rows.readJob));
    },

    async fire(firings, now) {
      if (firings.length === 0) return [];
      return packed
        .listOf(await scripts.exchange('cron_fire', { now, firings: firings.map(packFiring) }))
        .map(readFired);
    },
  };
}

function readCron(name: string, reply: Reply | undefined): CronRecord {
  const [spec, enabled, dueAt, runCount, lastRunAt, lastJob, createdAt, updatedAt, version] = listOf(reply);
  return {
    name,
    spec: text(spec),
    enabled: text(enabled) === '1',
    dueAt: text(dueAt) === '' ? null : integer(dueAt),
    runCount: integer(runCount),
    lastRunAt: integerOrNull(lastRunAt),
    lastJob: textOrNull(lastJob),
    createdAt: integer(createdAt),
    updatedAt: integer(updatedAt),
    version: integer(version),
  };
}

function byName(a: CronRecord, b: CronRecord): number {
  return a.name < b.name ? -1 : 1;
}

/** A firing as the operation `cron_fire` takes it. */
function packFiring({ name, version, dueAt, job, cancels, events }: Firing): Packed {
  const due = dueAt === null ? '' : String(dueAt);
  return {
    name,
    version,
    due,
    job: job === null ? undefined : rows.packJob(job),
    cancels: cancels.map(rows.packTransition),
    events,
  };
}

function readFired(answer: Packed | undefined): Awaited<ReturnType<Crons['fire']>>[number] {
  if (answer === false) return null;
  const [inserted] = packed.listOf(answer);
  return { inserted: inserted === undefined ? null : rows.readInserted(inserted) };
}
