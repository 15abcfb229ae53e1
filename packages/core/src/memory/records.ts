import { type CommitAnswer, fitsChange, type RecordChange, type RecordKey, type StoredRecord } from '../records.ts';
import type { Records } from '../store/records.ts';
import type { Change } from './change.ts';
import { insertGroup } from './insert.ts';
import { move } from './move.ts';
import type { Tables } from './tables.ts';

export function records(open: () => Tables): Records {
  return {
    get(keys) {
      const tables = open();
      return keys.map((key) => find(tables, key));
    },

    scan(kind, { from, backwards = false, skip = 0, limit }) {
      const sorted = [...(open().records.get(kind)?.values() ?? [])].sort((a, b) => (a.key < b.key ? -1 : 1));
      const ordered = backwards ? sorted.reverse() : sorted;
      const isBehind = ({ key }: RecordKey) => from === undefined || (backwards ? key < from : key > from);
      return ordered.filter(isBehind).slice(skip, skip + limit);
    },

    commit(changes, now = 0) {
      const tables = open();
      return tables.change(now, (change) => changes.map((one) => commit(tables, one, change)));
    },
  };
}

function commit(tables: Tables, one: RecordChange, change: Change): CommitAnswer {
  const { puts = [], deletes = [], ends = [], job, events = [] } = one;
  const jobOf = (id: string) => tables.rows.get(id)?.job ?? null;
  if (!fitsChange(one, (key) => find(tables, key), jobOf)) return false;
  for (const end of ends) move(tables, end, change);
  const [inserted] = job ? insertGroup(tables, [job], change, { always: true }) : [];
  if (inserted && inserted.kind !== 'inserted') return inserted;
  change.logAll(events);
  for (const { kind, key } of deletes) tables.records.get(kind)?.delete(key);
  for (const put of puts) tables.putRecord(put);
  return true;
}

function find({ records }: Tables, { kind, key }: RecordKey): StoredRecord | null {
  return records.get(kind)?.get(key) ?? null;
}
