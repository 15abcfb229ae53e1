import { firstUuidAt, timeOfUuid } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { KeepRule } from '../../storage/prune.ts';
import type { Records, StoredRecord } from '../../storage/storage.ts';

const kind = 'audit';

/** An entry of the audit log. Its id is a UUIDv7, so ids have the order of time. */
export interface AuditRecord {
  readonly id: string;
  /** JSON text. */
  readonly entry: Json;
}

export function auditRecord({ id, entry }: AuditRecord): StoredRecord {
  const at = timeOfUuid(id);
  return { kind, key: id, version: 1, createdAt: at, updatedAt: at, body: entry };
}

/** The entries of the audit log (ojs-security §11) in the store. No entry changes; {@link prune} removes old ones. */
export class AuditLog {
  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
  }

  /** An id that is there already changes nothing. */
  async append(entries: readonly AuditRecord[]): Promise<void> {
    await this.#records.commit(
      entries.map((entry) => ({
        checks: [{ kind, key: entry.id, version: null }],
        puts: [auditRecord(entry)],
      })),
    );
  }

  /** Newest first: those with smaller ids than `before`, or the newest. */
  async read({ before, limit }: { readonly before?: string; readonly limit: number }): Promise<readonly AuditRecord[]> {
    const page = { ...(before !== undefined && { from: before }), backwards: true, limit };
    return (await this.#records.scan(kind, page)).map(({ key, body }) => ({ id: key, entry: body }));
  }

  /** Removes entries by the time in their ids, the oldest first; answers how many. */
  async prune({ before, keep }: KeepRule, limit: number): Promise<number> {
    const [surplus] = await this.#records.scan(kind, { backwards: true, skip: keep, limit: 1 });
    const least = firstUuidAt(before);
    const isOld = (key: string) => key < least || (surplus !== undefined && key <= surplus.key);
    const old = (await this.#records.scan(kind, { limit })).filter(({ key }) => isOld(key));
    if (old.length > 0) await this.#records.commit([{ deletes: old.map(({ key }) => ({ kind, key })) }]);
    return old.length;
  }
}
