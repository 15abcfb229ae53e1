import { type Call, uuidv7 } from '@ojs-ts/core';
import type { Connection } from './connection.ts';
import { within } from './deadline.ts';
import { type ErrorContext, OJSTimeoutError } from './errors.ts';
import type { Wire } from './json.ts';

/** One attempt, for callers that know better when to try again. @throws as `Connection.call`. */
export async function once(connection: Connection, call: Call, ms: number, signal?: AbortSignal): Promise<Wire> {
  const about: ErrorContext = { operation: call.operation, requestId: `req_${uuidv7()}` };
  const expired = () => new OJSTimeoutError(`${call.operation}: no answer within ${Math.round(ms)} ms.`, about);
  const outcome = await within(ms, expired, signal, (deadline) => connection.attempt(call, deadline, about));
  if ('body' in outcome) return outcome.body;
  throw outcome.error;
}
