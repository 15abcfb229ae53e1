import type { ValidationIssue } from '@ojs-ts/core';
import { newUnique, uniqueOf } from '@ojs-ts/core/lifecycle';
import { OJSValidationError } from '../errors.ts';
import type { JobRequest } from '../job/definition.ts';
import { compact } from '../json.ts';
import type { EncryptionKey } from './keys.ts';

/** The meta key under which equal args have equal values (ojs-extension-interactions §4.3). */
const fingerprintKey = 'ojs.codec.unique';

/**
 * Rewrites a unique policy that counts args: it counts a fingerprint of the args in meta instead, because equal args
 * are encrypted differently each time (ojs-extension-interactions §4.2). The fingerprint is an HMAC of the digest that
 * a server would take. A bare digest would reveal args that can be guessed, such as card numbers.
 * @throws {OJSValidationError} if the policy counts args and there is no key.
 */
export async function coverUnique(request: JobRequest, key: EncryptionKey | undefined): Promise<JobRequest> {
  const { unique } = request;
  if (unique === undefined || !unique.keys.includes('args')) return request;
  if (key === undefined) {
    throw OJSValidationError.of(
      'unique.keys',
      'counts args, but equal args are encrypted differently each time; give encryptionEnqueueMiddleware a uniqueKey',
    );
  }
  const { argsKeys, metaKeys = [], keys, ...rest } = unique;
  return {
    ...request,
    meta: { ...request.meta, [fingerprintKey]: await sealed(digestOf(request), key) },
    unique: {
      ...rest,
      keys: [...keys.filter((name) => name !== 'args' && name !== 'meta'), 'meta'],
      metaKeys: [...metaKeys, fingerprintKey],
    },
  };
}

/** Uses the server's rule, so that both agree which args are equal. */
function digestOf({ type, args, unique }: JobRequest): string {
  const issues: ValidationIssue[] = [];
  const policy = uniqueOf(compact({ keys: ['type', 'args'], args_keys: unique?.argsKeys }), 'unique', issues);
  const [issue] = issues;
  if (issue !== undefined) throw OJSValidationError.of(issue.path, issue.message);
  try {
    return newUnique(policy, { type, queue: '', args: JSON.stringify(args), meta: '{}' }, 0).key;
  } catch (error) {
    throw OJSValidationError.of('unique.argsKeys', error instanceof Error ? error.message : 'cannot be read');
  }
}

async function sealed(digest: string, key: EncryptionKey): Promise<string> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const hmac =
    key instanceof Uint8Array
      ? await crypto.subtle.importKey('raw', new Uint8Array(key), algorithm, false, ['sign'])
      : key;
  const bytes = new Uint8Array(await crypto.subtle.sign('HMAC', hmac, new TextEncoder().encode(digest)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
