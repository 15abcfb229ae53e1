import { type NamesOf, uuidv7 } from '@ojs-ts/core';
import { signalOutcomes } from '@ojs-ts/core/durable';
import { itemError } from '../connection/api-error.ts';
import type { Connection } from '../connection/connection.ts';
import type { Operation } from '../connection/operation.ts';
import { type ErrorContext, OJSAnswerError, OJSValidationError } from '../errors.ts';
import { type CallOptions, callNames } from '../job/options.ts';
import { parseNow, parseWith } from '../job/standard-schema.ts';
import { jsonProblem, refuse } from '../job/validate-request.ts';
import { compact, listOf, oneOf, quoted, wireOf } from '../json.ts';
import { type EnqueueMiddleware, payloadEncoderOf } from '../middleware/types.ts';
import { read } from '../operations/row.ts';
import { checkNames } from '../options/check-names.ts';
import type { Duration } from '../options/duration.ts';
import { durationMs, readQueueName } from '../options/values.ts';
import { checkToken, type SignalDef, signalOf } from './definition.ts';

/** Options of `client.signal()`. */
export interface SignalOptions extends CallOptions {
  /** 1 to 128 characters. The same id counts once per mailbox. Default: a new UUID. */
  id?: string | undefined;
}

/** Options of `client.signalToken()`. */
export interface TokenSignalOptions extends SignalOptions {
  /** Only a job of this queue reads the signal. A client whose token has the right to some queues only must name it. */
  queue?: string | undefined;
  /** How long the signal is kept unread: at most a year. Default: 7 days. */
  expires?: Duration | undefined;
}

/**
 * `woken`: a suspended job waited for the signal; `kept`: it is in the mailbox; `repeated`: its id was there before, so
 * nothing has changed.
 */
export type SignalOutcome = (typeof signalOutcomes)[number];

const signalNames: NamesOf<SignalOptions> = { ...callNames, id: true };
const tokenNames: NamesOf<TokenSignalOptions> = { ...signalNames, queue: true, expires: true };

/** The mailbox of a signal on the wire, and the place for errors. */
export interface Mailbox {
  readonly to: object;
  readonly about: ErrorContext;
  readonly id: string;
  readonly schema: SignalDef['schema'];
}

/** The mailbox of a job. @throws {OJSValidationError} */
export function jobMailbox(
  job: string | { readonly id: string },
  signal: SignalDef | string,
  options: SignalOptions,
): Mailbox {
  checkNames(options, signalNames);
  const { name, schema } = signalOf(signal);
  const jobId = typeof job === 'string' ? job : job?.id;
  if (typeof jobId !== 'string' || jobId === '')
    throw OJSValidationError.of('job', `expected a job or its id, got ${quoted(jobId)}`);
  return { to: { job_id: jobId, name }, about: { jobId }, id: options.id ?? uuidv7(), schema };
}

/** The mailbox under a token. @throws {OJSValidationError} */
export function tokenMailbox(token: string, options: TokenSignalOptions): Mailbox {
  checkNames(options, tokenNames);
  checkToken(token);
  const { id = uuidv7(), queue, expires } = options;
  if (queue !== undefined) readQueueName(queue, 'queue');
  const expiresMs = expires === undefined ? undefined : durationMs(expires, 'expires');
  const to = { token, ...compact({ queue, expires_in_ms: expiresMs }) };
  return { to, about: compact({ queue }), id, schema: undefined };
}

/**
 * Sends a signal through the encryption of the client.
 * @throws {OJSValidationError} for a payload that JSON cannot keep, or that the schema refuses.
 */
export async function sendThrough(
  connection: Connection,
  middleware: readonly EnqueueMiddleware[],
  mailbox: Mailbox,
  payload: unknown,
  options: CallOptions,
): Promise<SignalOutcome> {
  const { schema } = mailbox;
  if (schema !== undefined) await parseWith(schema, payload, 'payload');
  checkPayload(payload);
  const encoders = middleware.map(payloadEncoderOf).filter((encode) => encode !== null);
  if (encoders.length === 0 || payload === undefined) return connection.carry(sendSignal(mailbox, payload), options);
  let encoded: unknown = payload;
  for (const encode of encoders) encoded = await encode(encoded);
  return connection.carry(sendSignal(mailbox, encoded, true), options);
}

/** Same, synchronously and without middleware. @throws {OJSValidationError} also for an asynchronous schema. */
export function checkedSignal(mailbox: Mailbox, payload: unknown): Operation<SignalOutcome> {
  const { schema } = mailbox;
  if (schema !== undefined) parseNow(schema, payload, 'payload');
  checkPayload(payload);
  return sendSignal(mailbox, payload);
}

function checkPayload(payload: unknown): void {
  if (payload !== undefined) refuse(jsonProblem(payload, 'payload'));
}

const outcomeOf = oneOf(...signalOutcomes);

/** The id makes a repeated request harmless. */
function sendSignal({ to, about, id }: Mailbox, payload: unknown, encoded?: true): Operation<SignalOutcome> {
  const body = JSON.stringify({ signals: [{ ...to, ...compact({ payload, id, encoded }) }] });
  const reader = (answer: object): SignalOutcome => {
    const item = wireOf(listOf(wireOf(answer)?.signals)[0]);
    if (item?.error !== undefined) throw itemError(item.error, { operation: 'signal.send', ...about });
    const outcome = outcomeOf(item?.outcome);
    if (outcome === undefined)
      throw new OJSAnswerError(`expected an outcome of the signal, got ${quoted(item?.outcome)}`);
    return outcome;
  };
  return read({ operation: 'signal.send', body }, reader, { about });
}
