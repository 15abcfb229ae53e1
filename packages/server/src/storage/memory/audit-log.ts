import type { AuditLog } from '../storage.ts';
import type { Tables } from './tables.ts';

export function auditLog(open: () => Tables): AuditLog {
  return {
    async append(entries) {
      const { audit } = open();
      for (const { id, entry } of entries) if (!audit.has(id)) audit.set(id, entry);
    },

    async read({ before, limit }) {
      const found = [...open().audit].filter(([id]) => before === undefined || id < before);
      return found
        .sort(([a], [b]) => (a < b ? 1 : -1))
        .slice(0, limit)
        .map(([id, entry]) => ({ id, entry }));
    },
  };
}
