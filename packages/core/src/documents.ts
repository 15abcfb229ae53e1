import type { Json } from './job/job.ts';
import type { Millis } from './time/clock.ts';

/** A small named text: schemas, webhooks, settings. */
export interface Document {
  readonly kind: string;
  readonly key: string;
  readonly version: number;
  readonly body: Json;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
}

/** The document after a put; null if the version on record is not the expected one. */
export function putDocument(
  current: Document | null,
  { kind, key, body }: Pick<Document, 'kind' | 'key' | 'body'>,
  expected: number | null | 'any',
  now: Millis,
): Document | null {
  if (expected !== 'any' && expected !== (current?.version ?? null)) return null;
  return {
    kind,
    key,
    version: (current?.version ?? 0) + 1,
    body,
    createdAt: current?.createdAt ?? now,
    updatedAt: now,
  };
}
