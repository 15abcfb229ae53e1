/** Crons as records of the store, and the effect of a registration and of a firing on them. */
import type { JobId, Json } from '../job/job.ts';
import type { CommitAnswer, RecordChange, RecordKey, StoredRecord } from '../records.ts';
import { type Answered, type Answering, ask, run, type Steps } from '../steps.ts';
import type { Records } from '../store/records.ts';
import type { Millis } from '../time/clock.ts';
import type { FiringDecision } from './firing.ts';

export interface CronRecord {
  readonly name: string;
  /** JSON text of the definition; `definitionOf` reads it. */
  readonly spec: Json;
  readonly enabled: boolean;
  /** The next firing; null if there is none. */
  readonly dueAt: Millis | null;
  readonly runCount: number;
  readonly lastRunAt: Millis | null;
  readonly lastJob: JobId | null;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
  /** A firing compares it. Begins at the time of creation; +1 on every change. */
  readonly version: number;
}

/** The members that an operator or an application decides. */
type CronSettings = Pick<CronRecord, 'name' | 'spec' | 'enabled' | 'dueAt'>;

export interface Firing extends FiringDecision {
  /** The state on which the decision is based. */
  readonly cron: CronRecord;
}

/** The kind of the record of a cron, under its name. */
export const cronKind = 'cron';
/** The kind of a second record of each cron that will fire, whose keys are in the order of the next firings. */
export const dueKind = 'cron_due';
/** Digits of a time in a key. */
const digits = 16;
/** Records that one read of a list takes. */
const page = 200;

export class CronRecords {
  readonly #records: Answering<Records>;

  constructor(records: Answering<Records>) {
    this.#records = records;
  }

  /** Sorted by name. */
  list(): Answered<readonly CronRecord[]> {
    return run(this.#list());
  }

  *#list(): Steps<readonly CronRecord[]> {
    const found: CronRecord[] = [];
    for (;;) {
      const from = found.at(-1)?.name;
      const next = yield* ask(this.#records.scan(cronKind, { ...(from !== undefined && { from }), limit: page }));
      found.push(...next.map(readCronRecord));
      if (next.length < page) return found;
    }
  }

  /** One page of names, to compare with a wrong one. */
  someNames(): Answered<readonly string[]> {
    return run(this.#someNames());
  }

  *#someNames(): Steps<readonly string[]> {
    return (yield* ask(this.#records.scan(cronKind, { limit: page }))).map(({ key }) => key);
  }

  get(name: string): Answered<CronRecord | null> {
    return run(this.#get(name));
  }

  *#get(name: string): Steps<CronRecord | null> {
    const [record = null] = yield* ask(this.#records.get([{ kind: cronKind, key: name }]));
    return record && readCronRecord(record);
  }

  /**
   * Creates or updates (CRON-26); an update keeps creation and runs. With `expected`, updates only if that is the
   * current version, and returns null if not. 0 is the version of a cron that is not there.
   */
  put(
    given: CronSettings,
    now: Millis,
    expected?: number,
  ): Answered<{ readonly created: boolean; readonly cron: CronRecord } | null> {
    return run(this.#put(given, now, expected));
  }

  *#put(
    given: CronSettings,
    now: Millis,
    expected?: number,
  ): Steps<{ readonly created: boolean; readonly cron: CronRecord } | null> {
    for (;;) {
      const current = yield* this.#get(given.name);
      if (expected !== undefined && expected !== (current?.version ?? 0)) return null;
      const cron = putCron(current, given, now);
      if (yield* this.#replace(current, cron)) return { created: current === null, cron };
    }
  }

  /** Answers the cron that was there, or null. */
  remove(name: string): Answered<CronRecord | null> {
    return run(this.#remove(name));
  }

  *#remove(name: string): Steps<CronRecord | null> {
    for (;;) {
      const current = yield* this.#get(name);
      if (current === null || (yield* this.#replace(current, null))) return current;
    }
  }

  *#replace(before: CronRecord | null, after: CronRecord | null): Steps<boolean> {
    const [isDone] = yield* ask(this.#records.commit([changeOf(before, after)]));
    return isDone === true;
  }

  /** Enabled crons whose time has come, longest due first, then by name. */
  due(now: Millis, limit: number): Answered<readonly CronRecord[]> {
    return run(this.#due(now, limit));
  }

  *#due(now: Millis, limit: number): Steps<readonly CronRecord[]> {
    const first = yield* ask(this.#records.scan(dueKind, { limit }));
    const names = first.flatMap(({ key }) => (Number(key.slice(0, digits)) <= now ? [nameOfDue(key)] : []));
    if (names.length === 0) return [];
    const found = yield* ask(this.#records.get(names.map((key) => ({ kind: cronKind, key }))));
    const crons = found.flatMap((record) => (record === null ? [] : [readCronRecord(record)]));
    // Another server may have fired one between the two reads.
    return crons.filter(({ enabled, dueAt }) => enabled && dueAt !== null && dueAt <= now);
  }

  /**
   * One commit a firing: if the version is still the expected one, cancels, inserts and moves `dueAt`, and counts the
   * run if there is a job. Answers false if another server fired, so that the version has changed. A firing whose job
   * is refused only cancels.
   */
  fire(firings: readonly Firing[], now: Millis): Answered<readonly CommitAnswer[]> {
    const changes = firings.map((firing) => {
      const { cron, job, cancels, events } = firing;
      return { ...changeOf(cron, fired(firing, now)), ends: cancels, events, ...(job && { job }) };
    });
    return this.#records.commit(changes, now);
  }
}

/** The records of a cron. */
export function recordsOfCron({ name, version, createdAt, updatedAt, ...state }: CronRecord): readonly StoredRecord[] {
  const { enabled, dueAt } = state;
  const record = { key: name, version, createdAt, updatedAt };
  const own = { ...record, kind: cronKind, body: JSON.stringify(state) };
  if (!enabled || dueAt === null) return [own];
  return [own, { ...record, kind: dueKind, key: String(dueAt).padStart(digits, '0') + name, body: 'null' }];
}

export function readCronRecord({ key, version, createdAt, updatedAt, body }: StoredRecord): CronRecord {
  const state: Omit<CronRecord, 'name' | 'version' | 'createdAt' | 'updatedAt'> = JSON.parse(body);
  return { name: key, version, createdAt, updatedAt, ...state };
}

/** The name of the cron in the key of a record of {@link dueKind}. */
export function nameOfDue(key: string): string {
  return key.slice(digits);
}

/** The change of a cron, which is refused if the cron has changed since. */
function changeOf(before: CronRecord | null, after: CronRecord | null): RecordChange {
  const puts = after === null ? [] : recordsOfCron(after);
  const old = before === null ? [] : recordsOfCron(before);
  const key = before?.name ?? after?.name ?? '';
  return {
    checks: [{ kind: cronKind, key, version: before?.version ?? null }],
    puts,
    deletes: old.filter((record) => !puts.some((put) => isSameKey(put, record))),
  };
}

function isSameKey(a: RecordKey, b: RecordKey): boolean {
  return a.kind === b.kind && a.key === b.key;
}

/** An update keeps the creation and the count of runs. */
export function putCron(current: CronRecord | null, given: CronSettings, now: Millis): CronRecord {
  const { runCount = 0, lastRunAt = null, lastJob = null, createdAt = now } = current ?? {};
  // Not from 1: a late firing of a cron that was removed would fit the one that took its name.
  const version = current === null ? now : current.version + 1;
  return { ...given, runCount, lastRunAt, lastJob, createdAt, updatedAt: now, version };
}

/** A run counts if it has a job. */
export function fired({ cron, dueAt, job }: Firing, now: Millis): CronRecord {
  const moved = { ...cron, dueAt, version: cron.version + 1 };
  return job === null ? moved : { ...moved, runCount: cron.runCount + 1, lastRunAt: now, lastJob: job.id };
}
