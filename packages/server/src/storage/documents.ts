import type { Document, Json, Millis } from '@ojs-ts/core';

export type { Document } from '@ojs-ts/core';

export interface Documents {
  /** Sorted by key. */
  list(kind: string): Promise<readonly Document[]>;
  get(kind: string, key: string): Promise<Document | null>;
  /**
   * Writes where the version on record is `expected`: null for a new one, `any` for whatever is there. Answers null
   * where it is not.
   */
  put(kind: string, key: string, body: Json, expected: number | null | 'any', now: Millis): Promise<Document | null>;
  remove(kind: string, key: string): Promise<boolean>;
}
