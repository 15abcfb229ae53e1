import type { AuditLog, AuditRecord } from '../storage.ts';
import type { Connection } from './disk/connection.ts';
import type { GroupCommit } from './disk/group-commit.ts';
import { type Cells, text } from './row.ts';
import { statements } from './statements.ts';

/** Behind every id. */
const end = 'g';

export function auditLog(sql: Connection, store: GroupCommit): AuditLog {
  return {
    append: (entries) =>
      store.write(() => {
        for (const { id, entry } of entries) sql.change(statements.audit, id, entry);
      }),

    read: ({ before = end, limit }) =>
      store.read(() => sql.all(statements.auditEntries, before, limit).map(readAuditRecord)),
  };
}

export function readAuditRecord(cells: Cells): AuditRecord {
  return { id: text(cells[0]), entry: text(cells[1]) };
}
