import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import type { Claim, Claimed, EventBatch, Inserted, Moved, NewJob, Ready, Store, Transition } from './contract.ts';
import { waves } from './contract.ts';

// 64-bit integers come back as text otherwise; every one here is below 2^53.
const types = { getTypeParser: (oid: number) => (oid === 20 ? Number : pg.types.getTypeParser(oid)) } as pg.CustomTypesConfig;

interface InsertRow {
  readonly i: number;
  readonly kind: 'inserted' | 'already' | 'duplicate' | 'ready';
  readonly existing: string | null;
  readonly replaced: readonly string[] | null;
  readonly ready: readonly Ready[] | null;
}
interface ClaimRow {
  readonly id: string;
  readonly claim: number;
  readonly started_at: number;
  readonly keys: readonly string[];
  readonly workflow: string | null;
  readonly node: number | null;
  readonly envelope: string;
}
interface MoveRow {
  readonly i: number;
  readonly kind: Moved['kind'];
  readonly was: 8;
  readonly ready: readonly Ready[] | null;
}
export interface RawEvents {
  readonly seq: number;
  readonly xid: number;
  readonly entries: string;
}

export class Postgres implements Store {
  readonly name = 'postgres';
  readonly pool: pg.Pool;

  constructor(url: string, connections: number) {
    this.pool = new pg.Pool({ connectionString: url, max: connections, types });
    // An idle connection that the server ends is told here; without a listener it ends the process. The next query gets a new connection.
    this.pool.on('error', () => {});
  }

  async migrate(): Promise<void> {
    for (const file of ['schema', 'insert', 'claim', 'transition', 'events']) {
      await this.pool.query(await readFile(new URL(`sql/${file}.sql`, import.meta.url), 'utf8'));
    }
  }

  async insert(jobs: readonly NewJob[], now: number): Promise<readonly Inserted[]> {
    const wave = waves(jobs.map((job) => (job.unique ? [job.id, job.unique.key] : [job.id])));
    const items = jobs.map((job, i) => ({
      i,
      wave: wave[i],
      id: job.id,
      queue: job.queue,
      priority: job.priority,
      created_at: job.createdAt,
      envelope: job.envelope,
      ...(job.unique && {
        unique_key: job.unique.key,
        states: job.unique.states,
        created_after: job.unique.createdAfter,
        replace: job.unique.onConflict === 'replace',
      }),
      ...(job.limits.length > 0 && { lane: laneOf(job) }),
      ...(job.node && { workflow: job.node.workflow, node: job.node.index }),
    }));
    const limits = new Map(
      jobs.flatMap((job) =>
        job.limits.map((limit) => [
          limit.key,
          { key: limit.key, concurrency: limit.concurrency, rate_count: limit.rate?.count ?? null, rate_per: limit.rate?.perMs ?? null },
        ]),
      ),
    );
    const lanes = new Map(
      jobs
        .filter((job) => job.limits.length > 0)
        .map((job) => [`${job.queue} ${laneOf(job)}`, { queue: job.queue, lane: laneOf(job), keys: job.limits.map((limit) => limit.key) }]),
    );
    const locks = [...new Set(jobs.flatMap((job) => (job.unique ? [lockOf(job.unique.key)] : [])))].sort((a, b) => (a < b ? -1 : 1));
    const rows = await this.query<InsertRow>('insert', 'SELECT * FROM ojs_insert($1, $2, $3, $4, $5, $6)', [
      JSON.stringify(items),
      limits.size > 0 ? JSON.stringify([...limits.values()]) : null,
      limits.size > 0 ? JSON.stringify([...lanes.values()]) : null,
      locks.map(String),
      Math.max(0, ...wave),
      now,
    ]);
    const ready = new Map(rows.filter((row) => row.kind === 'ready').map((row) => [row.i, row.ready ?? []]));
    const out: Inserted[] = [];
    for (const row of rows) {
      if (row.kind === 'inserted') out[row.i] = { kind: 'inserted', replaced: row.replaced ?? [], ready: ready.get(row.i) ?? [] };
      else if (row.kind === 'duplicate') out[row.i] = { kind: 'duplicate', existing: row.existing ?? '' };
      else if (row.kind === 'already') out[row.i] = { kind: 'already' };
    }
    return out;
  }

  async claim(claims: readonly Claim[], now: number): Promise<readonly (readonly Claimed[])[]> {
    const out: Claimed[][] = [];
    for (const { queues, limit, worker, leaseMs } of claims) {
      const got: Claimed[] = [];
      for (const queue of queues) {
        if (got.length === limit) break;
        const rows = await this.query<ClaimRow>('claim', 'SELECT * FROM ojs_claim($1, $2, $3, $4, $5)', [
          queue,
          limit - got.length,
          leaseMs,
          worker,
          now,
        ]);
        for (const { id, claim, started_at, keys, workflow, node, envelope } of rows) {
          got.push({
            id,
            claim,
            startedAt: started_at,
            limits: keys,
            node: workflow === null ? null : { workflow, index: node ?? 0 },
            envelope,
          });
        }
      }
      out.push(got);
    }
    return out;
  }

  async transition(transitions: readonly Transition[], now: number): Promise<readonly Moved[]> {
    const wave = waves(transitions.map(({ id }) => [id]));
    const items = transitions.map((item, i) => ({ i, wave: wave[i], ...item }));
    const rows = await this.query<MoveRow>('transition', 'SELECT * FROM ojs_transition($1, $2, $3)', [
      JSON.stringify(items),
      Math.max(0, ...wave),
      now,
    ]);
    const out: Moved[] = [];
    for (const row of rows)
      out[row.i] = row.kind === 'moved' ? { kind: 'moved', was: row.was, ready: row.ready ?? [] } : { kind: row.kind };
    return out;
  }

  async createWorkflow(id: string, after: readonly (readonly number[])[]): Promise<void> {
    await this.pool.query(
      `WITH made AS (INSERT INTO node (workflow, index, open) SELECT $1, (n->>0)::int, (n->>1)::int FROM jsonb_array_elements($2) n)
       INSERT INTO edge (workflow, after, before) SELECT $1, (e->>0)::int, (e->>1)::int FROM jsonb_array_elements($3) e`,
      [
        id,
        JSON.stringify(after.map((before, index) => [index, before.length])),
        JSON.stringify(after.flatMap((before, index) => before.map((one) => [index, one]))),
      ],
    );
  }

  async events(after: number, limit: number): Promise<readonly EventBatch[]> {
    await this.pool.query('SELECT number_events()');
    const { rows } = await this.pool.query<{ position: number; kind: EventBatch['kind']; entries: string }>(
      'SELECT position, kind, entries FROM event WHERE position > $1 ORDER BY position LIMIT $2',
      [after, limit],
    );
    return rows.map(({ position, kind, entries }) => ({ position, kind, ids: entries.split(',') }));
  }

  /** What a reader sees that trusts the sequence number. */
  async eventsBySequence(after: number): Promise<readonly RawEvents[]> {
    const { rows } = await this.pool.query<RawEvents>(
      'SELECT seq, xid::text::bigint AS xid, entries FROM event WHERE seq > $1 ORDER BY seq LIMIT 1000',
      [after],
    );
    return rows;
  }

  /** What a reader sees that orders by transaction id and stops at the oldest transaction under way. */
  async eventsByTransaction(after: { readonly xid: number; readonly seq: number }): Promise<readonly RawEvents[]> {
    const { rows } = await this.pool.query<RawEvents>(
      `SELECT seq, xid::text::bigint AS xid, entries FROM event
        WHERE (xid, seq) > ($1::text::xid8, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid, seq LIMIT 1000`,
      [after.xid, after.seq],
    );
    return rows;
  }

  async counts(): Promise<ReadonlyMap<number, number>> {
    const { rows } = await this.pool.query<{ state: number; count: number }>('SELECT state, count(*) FROM job GROUP BY state');
    return new Map(rows.map(({ state, count }) => [state, count]));
  }

  async slots(): Promise<number> {
    const { rows } = await this.pool.query<{ count: number }>('SELECT count(*) FROM slot');
    return rows[0]?.count ?? 0;
  }

  async clear(): Promise<void> {
    await this.pool.query('TRUNCATE job, limit_key, lane, slot, start, node, edge, event; UPDATE event_head SET newest = 0');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.end();
  }

  private async query<Row extends pg.QueryResultRow>(name: string, text: string, values: unknown[]): Promise<Row[]> {
    return (await this.pool.query<Row>({ name, text, values })).rows;
  }
}

function laneOf(job: NewJob): string {
  const keys = job.limits.map((limit) => limit.key);
  return keys.length === 1 ? (keys[0] ?? '') : createHash('sha256').update(JSON.stringify(keys)).digest('hex');
}

/** The first 64 bits of the key, signed: two keys that share them only wait for each other. */
function lockOf(key: string): bigint {
  return BigInt.asIntN(64, BigInt(`0x${key.slice(0, 16)}`));
}
