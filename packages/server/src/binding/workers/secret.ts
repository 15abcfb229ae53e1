import { hash } from 'node:crypto';
import type { Fields } from '@ojs-ts/core';

/** `worker_secret`, as the digest that is kept and compared; null where the worker sends none. */
export function readSecret(fields: Fields, worker: string | null): string | null {
  const secret = fields.string('worker_secret');
  return secret === null || worker === null ? null : hash('sha256', `${worker}\n${secret}`);
}
