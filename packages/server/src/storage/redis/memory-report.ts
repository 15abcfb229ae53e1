import { readAddress } from './connection/address.ts';
import { Connection } from './connection/connection.ts';
import { integer, listOf, text } from './connection/packed.ts';
import { Scripts } from './connection/scripts.ts';

export interface KindOfKey {
  readonly kind: string;
  readonly keys: number;
  /** With the server's overhead of each key. */
  readonly bytes: number;
}

export interface MemoryReport {
  /** Largest first. */
  readonly kinds: readonly KindOfKey[];
  readonly keys: number;
  readonly bytes: number;
}

/** The contents of a kind of key; a kind that is not listed is shown by its name. */
const words: Readonly<Record<string, string>> = {
  jobs: 'jobs',
  states: 'states of jobs',
  envelopes: 'long envelopes',
  results: 'results',
  histories: 'histories',
  progress: 'progress',
  checkpoints: 'checkpoints',
  s: 'lists of jobs by state',
  ended: 'jobs that were completed together',
  u: 'holders of unique keys',
  ready: 'ready queues of available jobs',
  limit_groups: 'limit groups',
  open_groups: 'limit groups that may start jobs',
  waitlist: 'limit groups that wait',
  rate_timers: 'times at which rates let the next job start',
  waiting: 'jobs that wait under limits',
  requests: 'fetches that may be repeated',
  due: 'times of scheduled and retryable jobs',
  overdue: 'times of active jobs',
  expiring: 'times of jobs that expire',
  cron: 'unfinished runs of crons',
  entries: 'log of events',
  log: 'positions of the log',
  imports: 'how far the logs of other namespaces were taken',
  starts: 'starts under rates',
  f: 'workflows',
  n: 'workflow nodes',
  nr: 'ready workflow nodes',
  flows: 'lists of workflows',
  records: 'records: crons, schemas, tokens, audit log and others',
  record_keys: 'names of records',
  w: 'workers',
  workers: 'list of workers',
  m: 'statistics',
  minutes: 'list of statistics',
};

/**
 * Reports how much memory each kind of key takes, in the namespace or in all of a map. The report reads all keys in
 * pieces of about 1,000, so that the server answers others in between. A key that changes during the report may be
 * missed or counted twice.
 * @throws Error if the URL names no Redis; StoreUnavailable if it cannot be reached.
 */
export async function redisMemory(url: string): Promise<MemoryReport> {
  const address = readAddress(url);
  const connection = new Connection(address);
  try {
    const namespaces = address.map?.namespaces ?? [address.namespace];
    return await report(namespaces.map((name) => new Scripts(connection, `{${name}}:`, false)));
  } finally {
    await connection.close();
  }
}

async function report(namespaces: readonly Scripts[]): Promise<MemoryReport> {
  const found = new Map<string, { readonly kind: string; keys: number; bytes: number }>();
  for (const scripts of namespaces) {
    let cursor = '0';
    do {
      const [next, ...cells] = listOf(await scripts.run('memory', [cursor, 1000]));
      for (let at = 0; at < cells.length; at += 3) {
        const name = text(cells[at]);
        const kind = found.get(name) ?? { kind: words[name] ?? name, keys: 0, bytes: 0 };
        kind.keys += integer(cells[at + 1]);
        kind.bytes += integer(cells[at + 2]);
        found.set(name, kind);
      }
      cursor = text(next);
    } while (cursor !== '0');
  }
  const kinds = [...found.values()].sort((a, b) => b.bytes - a.bytes);
  const sum = (of: 'keys' | 'bytes') => kinds.reduce((total, kind) => total + kind[of], 0);
  return { kinds, keys: sum('keys'), bytes: sum('bytes') };
}
