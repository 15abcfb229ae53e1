import { text } from '../../cells.ts';
import type { AuditLog, AuditRecord } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { type Cells, texts, uuids } from '../connection/sql.ts';

const append = `INSERT INTO ojs.audit (id, entry) SELECT * FROM unnest($1::uuid[], $2::text[])
  ON CONFLICT (id) DO NOTHING RETURNING 1`;
const read = 'SELECT id, entry FROM ojs.audit WHERE id < $1::uuid ORDER BY id DESC LIMIT $2';
/** Behind every id. */
const end = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

export function auditLog(database: Database): AuditLog {
  return {
    async append(entries) {
      await database.read(append, [uuids(entries.map(({ id }) => id)), texts(entries.map(({ entry }) => entry))]);
    },

    async read({ before = end, limit }) {
      return (await database.read(read, [before, limit])).map(readAuditRecord);
    },
  };
}

export function readAuditRecord(cells: Cells): AuditRecord {
  return { id: text(cells[0]), entry: text(cells[1]) };
}
