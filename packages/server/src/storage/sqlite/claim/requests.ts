import { requestKey } from '@ojs-ts/core';
import type { JobClaim, RepeatableFetch } from '../../storage.ts';
import type { Connection } from '../disk/connection.ts';
import { text } from '../row.ts';
import { statements } from '../statements.ts';

/** What the fetch got; null for one that is not known. */
export function claimsOf(sql: Connection, { request, worker }: RepeatableFetch): readonly JobClaim[] | null {
  const cells = sql.get(statements.request, requestKey(request, worker));
  if (!cells) return null;
  const given: unknown = JSON.parse(text(cells[0]));
  if (!Array.isArray(given)) throw new TypeError('SQLite: the claims of a request are not an array.');
  return given.map(([id, claim]) => ({ id: String(id), claim: Number(claim) }));
}
