import type { Json, Millis } from '@ojs-ts/core';

/** A small named text: schemas, webhooks, settings. */
export interface Document {
  readonly kind: string;
  readonly key: string;
  readonly version: number;
  readonly body: Json;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
}

export interface Documents {
  /** Sorted by key. */
  list(kind: string): Promise<readonly Document[]>;
  get(kind: string, key: string): Promise<Document | null>;
  /** Writes where the version on record is `expected`: null for a new one, `any` for whatever is there. Answers null where it is not. */
  put(kind: string, key: string, body: Json, expected: number | null | 'any', now: Millis): Promise<Document | null>;
  remove(kind: string, key: string): Promise<boolean>;
}
