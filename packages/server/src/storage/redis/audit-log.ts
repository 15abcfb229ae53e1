import type { AuditLog } from '../storage.ts';
import { listOf, text } from './connection/reply.ts';
import type { Scripts } from './connection/scripts.ts';

/** The characters of an id, which precedes its entry. */
const idLength = 36;

export function auditLog(scripts: Scripts): AuditLog {
  return {
    async append(entries) {
      if (entries.length > 0)
        await scripts.run(
          'audit_append',
          entries.map(({ id, entry }) => `${id}${entry}`),
        );
    },

    async read({ before, limit }) {
      const found = listOf(await scripts.run('audit_read', [before === undefined ? '+' : `(${before}`, limit]));
      return found.map(text).map((member) => ({ id: member.slice(0, idLength), entry: member.slice(idLength) }));
    },
  };
}
