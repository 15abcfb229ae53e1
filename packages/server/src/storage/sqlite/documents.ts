import { putDocument } from '@ojs-ts/core/memory';
import { readDocument } from '../rows.ts';
import type { Document, Documents } from '../storage.ts';
import type { Connection } from './disk/connection.ts';
import type { GroupCommit } from './disk/group-commit.ts';
import { statements } from './statements.ts';

export function documents(sql: Connection, store: GroupCommit): Documents {
  const find = (kind: string, key: string) => {
    const cells = sql.get(statements.document, kind, key);
    return cells ? readDocument(cells) : null;
  };
  return {
    list: (kind) => store.read(() => sql.all(statements.documents, kind).map(readDocument).sort(byKey)),

    get: (kind, key) => store.read(() => find(kind, key)),

    put: (kind, key, body, expected, now) =>
      store.write(() => {
        const document = putDocument(find(kind, key), { kind, key, body }, expected, now);
        if (document)
          sql.change(
            statements.writeDocument,
            kind,
            key,
            document.version,
            document.createdAt,
            document.updatedAt,
            body,
          );
        return document;
      }),

    remove: (kind, key) =>
      store.write(() => sql.run('DELETE FROM ojs_documents WHERE kind = ? AND key = ?', kind, key) === 1),
  };
}

function byKey(a: Document, b: Document): number {
  return a.key < b.key ? -1 : 1;
}
