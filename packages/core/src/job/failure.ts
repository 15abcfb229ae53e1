import { Issues, Part, rules } from '../envelope/validate.ts';
import { ProtocolError } from '../errors.ts';
import { isObject, readJson } from '../json/json.ts';
import type { Json } from './job.ts';

/** A handler's decision that goes before the policy (ojs-retry §7). */
export type ResponseCode = 'RETRY' | 'DISCARD' | 'DEAD_LETTER' | 'FAIL';

/**
 * A failure as a worker reports it, in one of three forms: of ojs-core §7.4, of ojs-http-binding, or of ojs-retry §7.3.
 */
export interface Failure {
  readonly code: string;
  readonly type: string;
  readonly message: string;
  readonly retryable?: boolean;
  /** JSON text. */
  readonly details?: Json;
  readonly backtrace?: readonly string[];
  readonly response?: ResponseCode;
  /** The texts that `non_retryable_errors` is compared with: type, code and `details.error_class`. */
  readonly names: readonly string[];
}

/**
 * A job keeps twenty errors in its record, so each is cut: backtraces to 50 frames and 10,000 characters (ojs-errors
 * §6), messages to 10,000 characters.
 */
const maxFrames = 50;
const maxCharacters = 10_000;
const maxDetails = 65_536;
const responses: readonly string[] = ['RETRY', 'DISCARD', 'DEAD_LETTER', 'FAIL'] satisfies ResponseCode[];

function isResponse(value: unknown): value is ResponseCode {
  return typeof value === 'string' && responses.includes(value);
}

/**
 * Reads `error` and `requeue` of a nack. `error` is optional only if `requeue` is true, and of an error only `message`
 * is required. An error that is too long is cut, never refused: the failure itself must not be lost.
 * @throws ProtocolError `invalid_payload` or `invalid_request`.
 */
export function readFailure(text: Json): { readonly failure: Failure; readonly requeue: boolean } {
  const body = readJson(text, 'The request body');
  if (!isObject(body)) throw new ProtocolError('invalid_payload', 'The request body must be a JSON object.');
  const issues = new Issues();
  const top = new Part(body, text, '$');
  const requeue = issues.check(top.find('requeue'), rules.flag) ?? false;
  const error = top.find('error');
  if (error === null && !requeue) issues.add('$.error', 'error is required, unless requeue is true');
  const values = issues.check(error, rules.object);
  const failure =
    error === null || values === null ? requested : readError(new Part(values, error.text, error.path), issues);
  if (issues.all.length > 0) throw ProtocolError.invalid(issues.all);
  return { failure, requeue };
}

/** The error of a job that its worker returned without one. */
const requested: Failure = { code: 'requeue', type: 'requeue', message: 'The worker gave the job back.', names: [] };

function readError(error: Part, issues: Issues): Failure {
  const string = (name: string) => issues.check(error.find(name), rules.text) || null;
  const message = error.find('message');
  if (message === null) issues.add(`${error.path}.message`, 'message is required');
  const sentCode = string('code');
  const sentType = string('type');
  const sentResponse = error.find('response_code');
  if (sentResponse !== null && !isResponse(sentResponse.value))
    issues.expected(sentResponse, `one of ${responses.join(', ')}`);
  const retryable = issues.check(error.find('retryable'), rules.flag);
  const details = error.find('details');
  const errorClass =
    isObject(details?.value) && typeof details.value.error_class === 'string' ? details.value.error_class : null;
  const response = isResponse(sentResponse?.value) ? sentResponse.value : isResponse(sentCode) ? sentCode : null;
  const code = sentCode ?? sentType ?? 'handler_error';
  const type = sentType ?? errorClass ?? code;
  const backtrace = readBacktrace(error, issues);
  return {
    code,
    type,
    message: cutMessage(issues.check(message, rules.text) ?? ''),
    ...(retryable === null ? {} : { retryable }),
    ...(details === null ? {} : { details: boundDetails(details.text) }),
    ...(backtrace === null ? {} : { backtrace }),
    ...(response === null ? {} : { response }),
    names: [...new Set([type, code, ...(errorClass === null ? [] : [errorClass])])],
  };
}

function cutMessage(message: string): string {
  return message.length <= maxCharacters
    ? message
    : `${message.slice(0, maxCharacters)}… (${message.length} characters)`;
}

/** Beyond the limit only the size is kept, because half of a JSON text is not JSON. */
function boundDetails(details: Json): Json {
  return details.length <= maxDetails
    ? details
    : JSON.stringify({ omitted: `details had ${details.length} characters; at most ${maxDetails} are kept` });
}

/** A list of frames, or a text with one a line; cut to 50 frames and 10,000 characters in all. */
function readBacktrace(error: Part, issues: Issues): readonly string[] | null {
  const field = error.find('backtrace');
  if (field === null) return null;
  const frames = typeof field.value === 'string' ? field.value.split('\n') : issues.check(field, rules.names);
  if (frames === null) return null;
  const kept: string[] = [];
  let left = maxCharacters;
  for (const frame of frames.slice(0, maxFrames)) {
    if (left === 0) break;
    kept.push(frame.slice(0, left));
    left -= Math.min(left, frame.length);
  }
  return kept;
}
