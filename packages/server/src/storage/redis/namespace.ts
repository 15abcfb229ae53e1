import { type EventBatch, indexedKinds, kindsIn } from '@ojs-ts/core/events';
import type { JobRecord } from '@ojs-ts/core/job';
import type { WorkflowRecord } from '@ojs-ts/core/workflow';
import type { ErrorQuery, JobQuery, Storage, StoreOwn, Workflows } from '../storage.ts';
import { backup, clear } from './backup.ts';
import type { Connection } from './connection/connection.ts';
import { listOf, number } from './connection/packed.ts';
import { Scripts } from './connection/scripts.ts';
import { findingsIn } from './diagnosis.ts';
import { type CountedErrors, countErrors, endsOf } from './errors.ts';
import { eventLog } from './event-log.ts';
import { jobs, type Listed, listed } from './jobs.ts';
import { layout, type Migrated, migrate } from './layout.ts';
import { queues } from './queues.ts';
import { records } from './records.ts';
import { statistics } from './statistics.ts';
import { upkeep } from './upkeep.ts';
import { RedisWakes } from './wakes.ts';
import { workers } from './workers.ts';
import { listedWorkflows, workflows } from './workflows.ts';

/** The kinds of names in a namespace. */
export type Kind = 'job' | 'workflow' | 'limit';

/** Batches of the event log of `source`, after `from` and up to `to`, that another namespace takes over. */
export interface Import {
  readonly source: string;
  readonly from: number;
  readonly to: number;
  readonly batches: readonly EventBatch[];
}

/** The keys under one hash tag: a store by itself, or a shard of one. */
export interface Namespace extends Omit<Storage, 'migrate' | 'traits'> {
  readonly name: string;
  migrate(): Promise<Migrated>;
  exists(kind: Kind, names: readonly string[]): Promise<readonly boolean[]>;
  listed(query: JobQuery): Promise<Listed<JobRecord>>;
  countErrors(query: ErrorQuery): Promise<CountedErrors>;
  /** Histories of jobs that failed with one error: see `endsOf`. */
  errorEnds(counted: Parameters<typeof endsOf>[1]): Promise<readonly string[]>;
  listedWorkflows(
    query: Parameters<Workflows['list']>[0],
  ): Promise<Listed<WorkflowRecord> & { readonly more: boolean; readonly total: number }>;
  /** Writes batches to the own log, once; answers how far the source's log was taken. */
  importLog(batches: Import): Promise<number>;
  trimLog(upto: number): Promise<void>;
  /** Refuses every call from now on (StoreUnavailable), for the reason; null takes that back. */
  suspend(reason: string | null): void;
  /** Notes to which map of queues the namespace belongs; null for none. */
  setMap(text: string | null): Promise<void>;
  map(): Promise<string | null>;
  /** Reads the namespace's record of its use: its map, and whether a restore has begun and not ended. */
  use(): Promise<NamespaceUse>;
}

export interface NamespaceUse {
  readonly map: string | null;
  readonly restoring: boolean;
}

export function namespace(connection: Connection, name: string, events: boolean): Namespace {
  const prefix = `{${name}}:`;
  const scripts = new Scripts(connection, prefix, events);
  const wakes = new RedisWakes(connection, scripts.channel);
  let own: StoreOwn | null = null;
  const migrated = async () => {
    const result = await migrate(scripts, connection);
    own = result;
    return result;
  };
  const use = async () => {
    const [map, restoring] = listOf(await connection.command('HMGET', `${prefix}layout`, 'map', 'restoring'));
    return { map: typeof map === 'string' ? map : null, restoring: typeof restoring === 'string' };
  };
  return {
    name,
    jobs: jobs(scripts),
    upkeep: upkeep(scripts),
    registry: { ...queues(scripts), ...statistics(scripts), ...workers(scripts) },
    workflows: workflows(scripts),
    records: records(scripts),
    inbox: null,
    backup: backup(scripts, connection.name, (restored) => {
      own = restored;
    }),
    layout: () => layout(scripts, connection),
    migrate: migrated,
    clock: () => connection.time(prefix),
    async ping() {
      scripts.check();
      await connection.ping(prefix);
    },
    async probe() {
      scripts.check();
      // A command of its own: scripts that only free memory run without any.
      await connection.command('SET', `${prefix}probe`, '1', 'PX', 60_000);
    },
    async diagnose() {
      scripts.check();
      return (await connection.information()).flatMap(({ name, text }) => findingsIn(name, text));
    },
    async seed() {
      return (own ?? (await migrated())).seed;
    },
    async leaseKey() {
      return (own ?? (await migrated())).leaseKey;
    },
    subscribe: (onWake) => wakes.subscribe(onWake),
    ...eventLog(scripts),
    async clear() {
      await clear(scripts, false);
    },

    async exists(kind, names) {
      if (names.length === 0) return [];
      return listOf(await scripts.exchange('exists', { kind, names })).map((there) => there === true);
    },
    listed: (query) => listed(scripts, query),
    countErrors: (query) => countErrors(scripts, query),
    errorEnds: (counted) => endsOf(scripts, counted),
    listedWorkflows: (query) => listedWorkflows(scripts, query),
    async importLog({ source, from, to, batches }) {
      const rows = batches.map(({ at, count, entries }) => ({ at, count, entries, kinds: kindsIn(entries) }));
      return number(await scripts.exchange('log_import', { source, from, to, batches: rows }));
    },
    async trimLog(upto) {
      await scripts.exchange('log_trim', { upto, kinds: indexedKinds });
    },
    suspend: (reason) => scripts.suspend(reason),
    async setMap(text) {
      await (text === null
        ? connection.command('HDEL', `${prefix}layout`, 'map')
        : connection.command('HSET', `${prefix}layout`, 'map', text));
    },
    map: async () => (await use()).map,
    use,

    async [Symbol.asyncDispose]() {
      await wakes.close();
    },
  };
}
