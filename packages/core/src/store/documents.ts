import type { Document } from '../documents.ts';
import type { Json } from '../job/job.ts';
import type { Millis } from '../time/clock.ts';

export interface Documents {
  /** Sorted by key. */
  list(kind: string): readonly Document[];
  get(kind: string, key: string): Document | null;
  /**
   * Writes if the current version is `expected`: null for a new document, `any` for any version. Returns null if not.
   */
  put(kind: string, key: string, body: Json, expected: number | null | 'any', now: Millis): Document | null;
  remove(kind: string, key: string): boolean;
}

/** An entry of the audit log. Its id is a UUIDv7, so ids have the order of time. */
export interface AuditRecord {
  readonly id: string;
  /** JSON text; the storage does not read it. */
  readonly entry: Json;
}

/** The audit log (ojs-security §11). Entries are never changed; {@link Upkeep.prune} removes old ones. */
export interface AuditLog {
  /** An id that is there already changes nothing. */
  append(entries: readonly AuditRecord[]): void;
  /** Newest first: those with smaller ids than `before`, or the newest. */
  read(query: { readonly before?: string; readonly limit: number }): readonly AuditRecord[];
}
