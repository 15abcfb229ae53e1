import { isObject, type Millis } from '@ojs-ts/core';
import { type Grant, type Role, roles } from '@ojs-ts/core/access';
import type { Json } from '@ojs-ts/core/job';

/** A token of the store, without its secret. */
export interface TokenRecord extends Grant {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Millis;
  /** Who made it; null where the server asked for no token. */
  readonly createdBy: string | null;
  /** Null for no end. */
  readonly expiresAt: Millis | null;
  readonly rotatedAt: Millis | null;
  /** A revoked token stays on record: without it a store whose last token is gone would let everybody in. */
  readonly revokedAt: Millis | null;
  readonly hash: string;
  /** The secret before the last rotation, and until when it counts. */
  readonly previous: { readonly hash: string; readonly until: Millis } | null;
}

export function writeTokenRecord({ id: _, ...kept }: TokenRecord): Json {
  return JSON.stringify(kept);
}

/** Null for a text that this version does not understand: such a token opens nothing. */
export function readTokenRecord(id: string, body: Json): TokenRecord | null {
  const read: unknown = JSON.parse(body);
  if (!isObject(read) || typeof read.hash !== 'string' || typeof read.createdAt !== 'number') return null;
  const { previous } = read;
  return {
    id,
    name: typeof read.name === 'string' ? read.name : '',
    roles: texts(read.roles).flatMap((name) => roles.find((role): role is Role => role === name) ?? []),
    queues: texts(read.queues),
    ...(read.redact !== undefined && { redact: texts(read.redact) }),
    createdAt: read.createdAt,
    createdBy: typeof read.createdBy === 'string' ? read.createdBy : null,
    expiresAt: timeOf(read.expiresAt),
    rotatedAt: timeOf(read.rotatedAt),
    revokedAt: timeOf(read.revokedAt),
    hash: read.hash,
    previous:
      isObject(previous) && typeof previous.hash === 'string' && typeof previous.until === 'number'
        ? { hash: previous.hash, until: previous.until }
        : null,
  };
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

function timeOf(value: unknown): Millis | null {
  return typeof value === 'number' ? value : null;
}
