import { type Call, uuidv7 } from '@ojs-ts/core';
import { expiry } from './attempts.ts';
import type { Connection } from './connection.ts';
import { within } from './deadline.ts';
import type { ErrorContext } from './errors.ts';
import type { Wire } from './json.ts';

/** One attempt, for callers that know better when to try again. @throws as `Connection.call`. */
export async function once(connection: Connection, call: Call, ms: number, signal?: AbortSignal): Promise<Wire> {
  const about: ErrorContext = { operation: call.operation, requestId: `req_${uuidv7()}` };
  const outcome = await within(
    ms,
    () => expiry(ms, about),
    signal,
    (deadline) => connection.attempt(call, deadline, about),
  );
  if ('body' in outcome) return outcome.body;
  throw outcome.error;
}
