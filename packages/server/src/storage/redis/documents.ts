import type { Document, Documents } from '../storage.ts';
import { listOf, type Reply, text } from './connection/reply.ts';
import type { Scripts } from './connection/scripts.ts';

export function documents(scripts: Scripts): Documents {
  return {
    async list(kind) {
      const cells = listOf(await scripts.run('document_list', [kind]));
      const found = cells.flatMap((cell, at) => (at % 2 === 0 ? [readDocument(kind, text(cell), cells[at + 1])] : []));
      return found.sort((a, b) => (a.key < b.key ? -1 : 1));
    },

    async get(kind, key) {
      const reply = await scripts.run('document_get', [kind, key]);
      return reply === null ? null : readDocument(kind, key, reply);
    },

    async put(kind, key, body, expected, now) {
      const reply = await scripts.run('document_put', [kind, key, body, expected ?? '', now]);
      return reply === null ? null : readDocument(kind, key, reply);
    },

    async remove(kind, key) {
      return (await scripts.run('document_remove', [kind, key])) === 1;
    },
  };
}

/** `version|created|updated|body`; see lua/ops/documents.lua. */
function readDocument(kind: string, key: string, reply: Reply | undefined): Document {
  const [, version, createdAt, updatedAt, body = ''] = /^(\d+)\|(-?\d+)\|(-?\d+)\|(.*)$/s.exec(text(reply)) ?? [];
  return { kind, key, version: Number(version), body, createdAt: Number(createdAt), updatedAt: Number(updatedAt) };
}
