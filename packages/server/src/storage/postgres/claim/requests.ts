import type { Millis } from '@ojs-ts/core';
import { type JobRecord, State } from '@ojs-ts/core/job';
import { requestKey } from '@ojs-ts/core/lifecycle';
import { integer, text } from '../../cells.ts';
import { columns } from '../../columns.ts';
import type { Claim, Claimed, JobClaim, RepeatableFetch } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { arrayOf, type Reader, texts } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { readJobs } from '../jobs/locked-job.ts';

export const requestColumns = columns({
  key: ['request', text],
  at: integer,
  ids: ['ids::text[]', arrayOf(text)],
  claims: arrayOf(integer),
});
const select = requestColumns.from('ojs.requests WHERE request = ANY ($1::text[])');
const insert = `INSERT INTO ojs.requests (request, at, ids, claims) SELECT request, $4, ids::uuid[], claims::integer[]
    FROM unnest($1::text[], $2::text[], $3::text[]) AS asked (request, ids, claims)`;

/** Returns the jobs of each fetch; nothing for an unknown one. */
export async function claimsOf(
  database: Database,
  fetches: readonly RepeatableFetch[],
): Promise<readonly (readonly JobClaim[])[]> {
  const keys = fetches.map(({ request, worker }) => requestKey(request, worker));
  const given = await read(database, keys);
  return keys.map((key) => given.get(key) ?? []);
}

/** The fetch requests of a call, and the jobs that each of them got, now or in an earlier call. */
export class ClaimRequests {
  readonly #given: Map<string, readonly JobClaim[]>;
  /** Requests that got jobs in this call. */
  readonly #fresh = new Map<string, readonly JobClaim[]>();

  private constructor(given: Map<string, readonly JobClaim[]>) {
    this.#given = given;
  }

  static async read(tx: Transaction, claims: readonly Claim[]): Promise<ClaimRequests> {
    const keys = claims.flatMap(({ request, worker }) => (request === null ? [] : [requestKey(request, worker)]));
    if (keys.length === 0) return new ClaimRequests(new Map());
    return new ClaimRequests(await read(tx, keys));
  }

  /** Reports whether the request got jobs before. */
  has(key: string): boolean {
    return this.#given.has(key);
  }

  /** The jobs of an answered request that its claims still hold. */
  async repeat(tx: Transaction, key: string): Promise<Claimed> {
    const given = this.#given.get(key) ?? [];
    const jobs = await readJobs(
      tx,
      given.map(({ id }) => id),
    );
    const held = given.flatMap(({ id, claim }) => {
      const job = jobs.get(id)?.job;
      return job?.state === State.active && job.claim === claim ? [job] : [];
    });
    return { jobs: held, again: null };
  }

  /** Notes the jobs of a claim. An empty answer is not noted: a waiting fetch asks again under the same id. */
  note({ request, worker }: Claim, jobs: readonly JobRecord[]): void {
    if (request === null || jobs.length === 0) return;
    const key = requestKey(request, worker);
    const given = jobs.map(({ id, claim }) => ({ id, claim }));
    this.#given.set(key, given);
    this.#fresh.set(key, given);
  }

  write(tx: Transaction, now: Millis): void {
    if (this.#fresh.size === 0) return;
    const given = [...this.#fresh.values()];
    tx.write(insert, [
      texts([...this.#fresh.keys()]),
      texts(given.map((claims) => `{${claims.map(({ id }) => id).join(',')}}`)),
      texts(given.map((claims) => `{${claims.map(({ claim }) => claim).join(',')}}`)),
      now,
    ]);
  }
}

async function read(reader: Reader, keys: readonly string[]): Promise<Map<string, readonly JobClaim[]>> {
  return new Map((await reader.all(select, [texts(keys)])).map((row) => [row.key, claimsIn(row)]));
}

export function claimsIn({ ids, claims }: ReturnType<typeof requestColumns.read>): readonly JobClaim[] {
  return ids.map((id, at) => ({ id, claim: claims[at] ?? 0 }));
}
