import { putDocument } from '@ojs-ts/core';
import { readDocument } from '../rows.ts';
import type { Document, Documents } from '../storage.ts';
import type { Connection } from './connection.ts';
import { statements } from './statements.ts';
import type { Writer } from './writer.ts';

export function documents(sql: Connection, writer: Writer): Documents {
  const find = (kind: string, key: string) => {
    const cells = sql.get(statements.document, kind, key);
    return cells ? readDocument(cells) : null;
  };
  return {
    list: (kind) => writer.read(() => sql.all(statements.documents, kind).map(readDocument).sort(byKey)),

    get: (kind, key) => writer.read(() => find(kind, key)),

    put: (kind, key, body, expected, now) =>
      writer.write(() => {
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
      writer.write(() => sql.run('DELETE FROM ojs_documents WHERE kind = ? AND key = ?', kind, key) === 1),
  };
}

function byKey(a: Document, b: Document): number {
  return a.key < b.key ? -1 : 1;
}
