import { type Document, putDocument } from '@ojs-ts/core/memory';
import type { AuditLog, Documents } from '../store/documents.ts';
import type { Tables } from './tables.ts';

export function documents(open: () => Tables): Documents {
  return {
    list(kind) {
      return [...(open().documents.get(kind)?.values() ?? [])].sort((a, b) => (a.key < b.key ? -1 : 1));
    },

    get(kind, key) {
      return open().documents.get(kind)?.get(key) ?? null;
    },

    put(kind, key, body, expected, now) {
      const { documents } = open();
      const ofKind = documents.get(kind) ?? new Map<string, Document>();
      const document = putDocument(ofKind.get(key) ?? null, { kind, key, body }, expected, now);
      if (document) documents.set(kind, ofKind.set(key, document));
      return document;
    },

    remove(kind, key) {
      return open().documents.get(kind)?.delete(key) ?? false;
    },
  };
}

export function auditLog(open: () => Tables): AuditLog {
  return {
    append(entries) {
      const { audit } = open();
      for (const { id, entry } of entries) if (!audit.has(id)) audit.set(id, entry);
    },

    read({ before, limit }) {
      const found = [...open().audit].filter(([id]) => before === undefined || id < before);
      return found
        .sort(([a], [b]) => (a < b ? 1 : -1))
        .slice(0, limit)
        .map(([id, entry]) => ({ id, entry }));
    },
  };
}
