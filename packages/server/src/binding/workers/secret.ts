import { hash } from 'node:crypto';
import type { Fields } from '@ojs-ts/core';
import { type BindingRequest, callerName } from '../handler.ts';

type Caller = Pick<BindingRequest, 'access' | 'owner' | 'address'>;

/**
 * `worker_secret`, as the digest that is kept and compared. A caller that is held to some queues and sends none has its
 * token for one, so nobody else acts in the name of its worker; null for other workers without a secret.
 */
export function readSecret(fields: Fields, worker: string | null, caller: Caller): string | null {
  const secret = fields.string('worker_secret');
  if (worker === null) return null;
  if (secret !== null) return hash('sha256', `${worker}\n${secret}`);
  return caller.access ? `caller:${hash('sha256', `${worker}\n${callerName(caller)}`)}` : null;
}
