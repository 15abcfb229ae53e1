import { putDocument } from '@ojs-ts/core';
import type { Document, Documents } from '../storage.ts';
import type { Tables } from './tables.ts';

export function documents(open: () => Tables): Documents {
  return {
    async list(kind) {
      return [...(open().documents.get(kind)?.values() ?? [])].sort((a, b) => (a.key < b.key ? -1 : 1));
    },

    async get(kind, key) {
      return open().documents.get(kind)?.get(key) ?? null;
    },

    async put(kind, key, body, expected, now) {
      const { documents } = open();
      const ofKind = documents.get(kind) ?? new Map<string, Document>();
      const document = putDocument(ofKind.get(key) ?? null, { kind, key, body }, expected, now);
      if (document) documents.set(kind, ofKind.set(key, document));
      return document;
    },

    async remove(kind, key) {
      return open().documents.get(kind)?.delete(key) ?? false;
    },
  };
}
