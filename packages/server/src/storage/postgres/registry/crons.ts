import type { Millis } from '@ojs-ts/core';
import { fired, putCron } from '@ojs-ts/core/cron';
import type { JobRecord } from '@ojs-ts/core/job';
import { text } from '../../cells.ts';
import { cronColumns, readCron } from '../../rows.ts';
import type { CronRecord, Crons, Firing } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { lockAhead } from '../connection/locks.ts';
import { indexJoin } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { insertGroups } from '../insert/insert.ts';
import { jobColumns, readJob } from '../jobs/job-row.ts';
import { transitionAll } from '../jobs/transitions.ts';
import { lockWorkflows } from '../workflows/nodes.ts';

/** The oldest unfinished runs of a cron in one of the tables. */
const runsIn = (table: string) =>
  `(SELECT id, number FROM ojs.${table} WHERE cron = wanted.name ORDER BY cron, number LIMIT $2)`;

type Fired = Awaited<ReturnType<Crons['fire']>>[number];

export function crons(database: Database): Crons {
  return {
    async list() {
      return (await database.read(`SELECT ${cronColumns} FROM ojs.crons ORDER BY name`)).map(readCron);
    },

    async get(name) {
      const [cells] = await database.read(`SELECT ${cronColumns} FROM ojs.crons WHERE name = $1`, [name]);
      return cells ? readCron(cells) : null;
    },

    put: (given, now, expected) =>
      database.transact(now, async (tx) => {
        const current = (await lockCrons(tx, [given.name])).get(given.name) ?? null;
        if (expected !== undefined && expected !== (current?.version ?? 0)) return null;
        const cron = putCron(current, given, now);
        if (current) updateCrons(tx, [cron]);
        else insertCron(tx, cron);
        return { created: current === null, cron };
      }),

    async remove(name) {
      const [cells] = await database.read(`DELETE FROM ojs.crons WHERE name = $1 RETURNING ${cronColumns}`, [name]);
      return cells ? readCron(cells) : null;
    },

    async due(now, limit) {
      const rows = await database.read(
        `SELECT ${cronColumns} FROM ojs.crons WHERE enabled AND due_at IS NOT NULL AND due_at <= $1
          ORDER BY due_at, name LIMIT $2`,
        [now, limit],
      );
      return rows.map(readCron);
    },

    async unfinished(names, limit) {
      const rows = await database.read(
        `SELECT ${jobColumns}, ran FROM (
           SELECT wanted.name AS ran, oldest.id AS found FROM unnest($1::text[]) AS wanted (name), LATERAL (
             SELECT id FROM (${['due', 'ready', 'active'].map(runsIn).join(' UNION ALL ')}) AS each
               ORDER BY number LIMIT $2
           ) AS oldest
         ) AS run JOIN ojs.whole ON ${indexJoin('id', 'found')} ORDER BY number`,
        [[...new Set(names)], limit],
      );
      const found = new Map<string, JobRecord[]>(names.map((name) => [name, []]));
      for (const cells of rows) found.get(text(cells.at(-1)))?.push(readJob(cells).job);
      return names.map((name) => found.get(name) ?? []);
    },

    fire: (firings, now) => database.transact(now, (tx) => fire(tx, firings, now)),
  };
}

/**
 * Fires crons in the order of the firings. The rows of the crons are locked first, by name, so that a second firing of
 * the same tick finds a newer version; then unique keys, jobs and workflows. Neighbouring firings that cancel nothing
 * share one insert.
 */
async function fire(tx: Transaction, firings: readonly Firing[], now: Millis): Promise<readonly Fired[]> {
  const crons = await lockCrons(
    tx,
    firings.map(({ name }) => name),
  );
  const before = new Map(crons);
  // A firing of an older version does not fire; one of a newer version may, after another firing of the same call.
  const able = firings.filter(({ name, version }) => version >= (crons.get(name)?.version ?? Number.POSITIVE_INFINITY));
  const workflows = await lockAhead(
    tx,
    able.flatMap(({ job }) => job ?? []),
    able.flatMap(({ cancels }) => cancels.map(({ id }) => id)),
  );
  if (workflows.length > 0) await lockWorkflows(tx, workflows);
  const answers: Fired[] = [];
  for (const run of runs(firings)) answers.push(...(await fireRun(tx, crons, run, now)));
  updateCrons(
    tx,
    [...crons.values()].filter((cron) => before.get(cron.name) !== cron),
  );
  return answers;
}

/** Splits firings so that only the first of a run may cancel jobs, and each run fires a cron once. */
function runs(firings: readonly Firing[]): readonly (readonly Firing[])[] {
  const found: Firing[][] = [];
  for (const firing of firings) {
    const last = found.at(-1);
    if (!last || firing.cancels.length > 0 || last.some(({ name }) => name === firing.name)) found.push([firing]);
    else last.push(firing);
  }
  return found;
}

async function fireRun(
  tx: Transaction,
  crons: Map<string, CronRecord>,
  firings: readonly Firing[],
  now: Millis,
): Promise<readonly Fired[]> {
  const due = firings.filter(({ name, version }) => crons.get(name)?.version === version);
  if (due.length === 0) return firings.map(() => null);
  await transitionAll(
    tx,
    due.flatMap(({ cancels }) => cancels),
    now,
  );
  // The events of the job come before those of the firing.
  const runs = due.map((firing) => ({ firing, jobLog: tx.log.section(), log: tx.log.section() }));
  const withJob = runs.flatMap(({ firing, jobLog }) => (firing.job ? [{ firing, job: firing.job, jobLog }] : []));
  const inserted = await insertGroups(
    tx,
    withJob.map(({ job }) => [job]),
    now,
    { always: true, logs: withJob.map(({ jobLog }) => jobLog) },
  );
  const answers = new Map(withJob.map(({ firing }, at) => [firing, inserted[at]?.[0] ?? null]));
  for (const { firing, log } of runs) {
    const answer = answers.get(firing) ?? null;
    const cron = crons.get(firing.name);
    if (cron) crons.set(firing.name, fired(cron, firing, answer, now));
    if (answer?.kind !== 'duplicate') log.add(firing.events);
  }
  return firings.map((firing) => (due.includes(firing) ? { inserted: answers.get(firing) ?? null } : null));
}

async function lockCrons(tx: Transaction, names: readonly string[]): Promise<Map<string, CronRecord>> {
  const rows = await tx.query(
    `SELECT ${cronColumns} FROM ojs.crons WHERE name = ANY ($1::text[]) ORDER BY name FOR UPDATE`,
    [names],
  );
  return new Map(rows.map(readCron).map((cron) => [cron.name, cron]));
}

/** If another transaction inserts the same cron first, this one fails, runs again and finds it. */
function insertCron(tx: Transaction, cron: CronRecord): void {
  const { name, version, enabled, dueAt, runCount, lastRunAt, lastJob, createdAt, updatedAt, spec } = cron;
  const values = [name, version, enabled, dueAt, runCount, lastRunAt, lastJob, createdAt, updatedAt, spec];
  tx.write(`INSERT INTO ojs.crons (${cronColumns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, values);
}

function updateCrons(tx: Transaction, crons: readonly CronRecord[]): void {
  if (crons.length === 0) return;
  tx.write(
    `UPDATE ojs.crons AS cron SET version = changed.version, enabled = changed.enabled, due_at = changed.due_at,
      run_count = changed.run_count,
       last_run_at = changed.last_run_at, last_job = changed.last_job, updated_at = changed.updated_at,
       spec = changed.spec
     FROM unnest($1::text[], $2::bigint[], $3::boolean[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[],
       $8::bigint[], $9::text[])
       AS changed (name, version, enabled, due_at, run_count, last_run_at, last_job, updated_at, spec)
     WHERE cron.name = changed.name`,
    [
      crons.map(({ name }) => name),
      crons.map(({ version }) => version),
      crons.map(({ enabled }) => enabled),
      crons.map(({ dueAt }) => dueAt),
      crons.map(({ runCount }) => runCount),
      crons.map(({ lastRunAt }) => lastRunAt),
      crons.map(({ lastJob }) => lastJob),
      crons.map(({ updatedAt }) => updatedAt),
      crons.map(({ spec }) => spec),
    ],
  );
}
