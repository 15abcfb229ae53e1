import { fitsChange, type RecordKey, type StoredRecord } from '../records.ts';
import type { Records } from '../store/records.ts';
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

    commit(changes) {
      const tables = open();
      return changes.map((change) => {
        if (!fitsChange(change, (key) => find(tables, key))) return false;
        for (const { kind, key } of change.deletes ?? []) tables.records.get(kind)?.delete(key);
        for (const put of change.puts ?? []) tables.putRecord(put);
        return true;
      });
    },
  };
}

function find({ records }: Tables, { kind, key }: RecordKey): StoredRecord | null {
  return records.get(kind)?.get(key) ?? null;
}
