import type { CommitAnswer, RecordChange, RecordKey, StoredRecord } from '@ojs-ts/core/memory';
import type { Records } from '../storage.ts';
import type { Packed } from './connection/msgpack.ts';
import { isAbsent, listOf, text } from './connection/packed.ts';
import type { Scripts } from './connection/scripts.ts';
import { packJob, packTransition, readInserted } from './rows.ts';

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

    async commit(changes, now = 0) {
      if (changes.length === 0) return [];
      const works = changes.some(({ ends, job, events }) => ends ?? job ?? events);
      // A server without memory still deletes.
      const adds = works || changes.some(({ puts = [] }) => puts.length > 0);
      const request = { changes: changes.map(packChange), now: works ? now : undefined };
      return listOf(await scripts.exchange(adds ? 'records_commit' : 'records_delete', request)).map(readAnswer);
    },
  };
}

function packChange(change: RecordChange): Packed {
  const { checks = [], claims = [], puts = [], deletes = [], ends = [], job, events = [] } = change;
  return {
    checks: checks.map(({ version, ...key }) => [...pairOf(key), version === null ? false : String(version)]),
    claims: claims.map(({ id, claim }) => [id, claim]),
    puts: puts.map((put) => [...pairOf(put), recordText(put)]),
    deletes: deletes.map(pairOf),
    ends: ends.map(packTransition),
    job: job && packJob(job),
    events,
  };
}

function readAnswer(answer: Packed): CommitAnswer {
  return typeof answer === 'boolean' ? answer : readInserted(answer);
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
