import type { Document, Json, Millis } from '@ojs-ts/core';

export type { Document } from '@ojs-ts/core';

export interface Documents {
  /** Sorted by key. */
  list(kind: string): Promise<readonly Document[]>;
  get(kind: string, key: string): Promise<Document | null>;
  /**
   * Writes if the current version is `expected`: null for a new document, `any` for any version. Returns null if not.
   */
  put(kind: string, key: string, body: Json, expected: number | null | 'any', now: Millis): Promise<Document | null>;
  remove(kind: string, key: string): Promise<boolean>;
}
