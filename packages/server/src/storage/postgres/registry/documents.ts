import { putDocument } from '@ojs-ts/core/memory';
import { readDocument } from '../../rows.ts';
import type { Documents } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { isStorable } from '../connection/sql.ts';

const columns = 'kind, key, version, created_at, updated_at, body';
const find = `SELECT ${columns} FROM ojs.documents WHERE kind = $1 AND key = $2`;

export function documents(database: Database): Documents {
  return {
    async list(kind) {
      return (await database.read(`SELECT ${columns} FROM ojs.documents WHERE kind = $1 ORDER BY key`, [kind])).map(
        readDocument,
      );
    },

    async get(kind, key) {
      if (!isStorable(key)) return null;
      const [cells] = await database.read(find, [kind, key]);
      return cells ? readDocument(cells) : null;
    },

    put: (kind, key, body, expected, now) =>
      database.transact(now, async (tx) => {
        const [cells] = await tx.query(`${find} FOR UPDATE`, [kind, key]);
        const document = putDocument(cells ? readDocument(cells) : null, { kind, key, body }, expected, now);
        if (!document) return null;
        const values = [kind, key, document.version, document.createdAt, document.updatedAt, body];
        // If another transaction inserts the same document first, this one fails, runs again and finds it.
        if (cells)
          await tx.query(
            `UPDATE ojs.documents SET version = $3, created_at = $4, updated_at = $5, body = $6
              WHERE kind = $1 AND key = $2`,
            values,
          );
        else tx.write(`INSERT INTO ojs.documents (${columns}) VALUES ($1, $2, $3, $4, $5, $6)`, values);
        return document;
      }),

    async remove(kind, key) {
      if (!isStorable(key)) return false;
      return (
        (await database.read('DELETE FROM ojs.documents WHERE kind = $1 AND key = $2 RETURNING version', [kind, key]))
          .length === 1
      );
    },
  };
}
