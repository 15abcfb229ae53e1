import { StoreUnavailable, StoreUnwritable, type WriteRefusal } from '../../unavailable.ts';

/** The server's refusal in its words. The client's own error would carry the script and the jobs into every log. */
export class RedisRefusal extends Error {
  override readonly name = 'RedisRefusal';
}

/**
 * Refusals that are temporary: the server loads its data, runs a long script, or has lost its master or a part of the
 * cluster.
 */
const passing = /^(LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|UNKILLABLE)\b/;
/** Refusals of writes alone: reads continue. MISCONF: the snapshot or the AOF cannot be written. */
const refusals: Readonly<Record<string, WriteRefusal>> = {
  READONLY: 'read_only',
  NOREPLICAS: 'read_only',
  MISCONF: 'io_error',
};

/**
 * The error that a caller gets for an error of the client.
 * @param server for messages.
 */
export function reasonOf(error: unknown, server: string): unknown {
  if (!(error instanceof Error) || error instanceof StoreUnavailable) return error;
  const { message, name } = error;
  if (message.startsWith('OOM')) {
    return new StoreUnwritable(
      'full',
      `${server} has no memory left (maxmemory): it takes no new jobs. ` +
        'Raise maxmemory, or delete finished jobs sooner with --retain-completed.',
    );
  }
  const refusal = refusals[/^[A-Z]+/.exec(message)?.[0] ?? ''];
  if (refusal !== undefined) return new StoreUnwritable(refusal, `${server}: ${message}`);
  if (passing.test(message)) return new StoreUnavailable(`${server}: ${message}`);
  if (name === 'ReplyError') return new RedisRefusal(message);
  if (name === 'TypeError' || name === 'RangeError') return error;
  return new StoreUnavailable(`${server} does not answer: ${message}`);
}

/** Why servers with these settings of maxmemory-policy must not be used; null if they may. */
export function evicting(server: string, policies: readonly string[]): string | null {
  const policy = policies.find((policy) => policy !== 'noeviction');
  return policy === undefined
    ? null
    : `${server} has maxmemory-policy ${policy}, under which it may remove jobs; set it to noeviction.`;
}
