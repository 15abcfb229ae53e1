import { createHash } from 'node:crypto';
import type { Transaction } from './transaction.ts';

/** What advisory locks stand for. Those of one transaction are taken kind by kind in this order, and sorted within a kind. */
const kinds = ['unique', 'queue', 'limits'] as const;
type Kind = (typeof kinds)[number];

/** Takes locks that end with the transaction. They are per database: two namespaces may wait for each other, never fail. */
export function lock(tx: Transaction, kind: Kind, names: readonly string[]): void {
  if (names.length === 0) return;
  const numbers = [...new Set(names.map((name) => numberOf(kind, tx.schema, name)))].sort((a, b) => (a < b ? -1 : 1));
  tx.write('SELECT count(pg_advisory_xact_lock(key)) FROM unnest($1::bigint[]) AS locks (key)', [
    `{${numbers.join(',')}}`,
  ]);
}

/** 61 bits of a hash and the kind, so that locks of two kinds never meet. */
function numberOf(kind: Kind, schema: string, name: string): bigint {
  const hash = createHash('sha256').update(`${schema}\n${name}`).digest().readBigInt64BE();
  return (hash & ~7n) | BigInt(kinds.indexOf(kind));
}
