import type { RecordChange, RecordKey, StoredRecord } from '@ojs-ts/core/memory';
import type { Records } from '../storage.ts';
import type { Packed } from './connection/msgpack.ts';
import { isAbsent, listOf, text } from './connection/packed.ts';
import type { Scripts } from './connection/scripts.ts';

export function records(scripts: Scripts): Records {
  return {
    async get(keys) {
      const texts = listOf(await scripts.exchange('records_get', keys.map(pairOf)));
      return keys.map(({ kind, key }, at) => (isAbsent(texts[at]) ? null : readRecord(kind, key, text(texts[at]))));
    },

    async scan(kind, { from, backwards = false, skip = 0, limit }) {
      if (limit <= 0) return [];
      const bound = from === undefined ? undefined : `(${from}`;
      const [keys, texts] = listOf(await scripts.exchange('records_scan', { kind, bound, backwards, skip, limit }));
      const found = listOf(texts);
      return listOf(keys).map((key, at) => readRecord(kind, text(key), text(found[at])));
    },

    async commit(changes) {
      if (changes.length === 0) return [];
      // A server without memory still deletes.
      const operation = changes.some(({ puts = [] }) => puts.length > 0) ? 'records_commit' : 'records_delete';
      return listOf(await scripts.exchange(operation, changes.map(packChange))).map((isDone) => isDone === true);
    },
  };
}

function packChange({ checks = [], puts = [], deletes = [] }: RecordChange): Packed {
  return {
    checks: checks.map(({ version, ...key }) => [...pairOf(key), version === null ? false : String(version)]),
    puts: puts.map((put) => [...pairOf(put), recordText(put)]),
    deletes: deletes.map(pairOf),
  };
}

function pairOf({ kind, key }: RecordKey): readonly string[] {
  return [kind, key];
}

/** As lua/ops/records.lua keeps a record. */
export function recordText({ version, createdAt, updatedAt, body }: StoredRecord): string {
  return `${version}|${createdAt}|${updatedAt}|${body}`;
}

function readRecord(kind: string, key: string, stored: string): StoredRecord {
  const [, version, createdAt, updatedAt, body = ''] = /^(\d+)\|(-?\d+)\|(-?\d+)\|(.*)$/s.exec(stored) ?? [];
  return { kind, key, version: Number(version), body, createdAt: Number(createdAt), updatedAt: Number(updatedAt) };
}
