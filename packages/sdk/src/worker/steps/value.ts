import { isObject, utf8Length } from '@ojs-ts/core';
import { stepLimits } from '@ojs-ts/core/durable';
import { OJSValidationError } from '../../errors.ts';
import { textOf, type Wire } from '../../json.ts';
import type { Duration } from '../../options/duration.ts';
import { durationMs } from '../../options/values.ts';
import type { Failure } from '../execution/outcome.ts';
import { keptText } from '../execution/result.ts';
import { plain, type StepCodec } from './codec.ts';
import { StepError, StepLimitError } from './errors.ts';

const { valueBytes: maxValueBytes } = stepLimits;

/** The value of a step as JSON text, or why it cannot be recorded. `undefined` has no text. */
export function valueText(value: unknown): string | undefined | { readonly failure: Failure } {
  if (value === undefined) return undefined;
  const text = keptText(value, 'value');
  if (typeof text !== 'string') {
    const { path, message } = text;
    return unfit('invalid_result', `${path}: ${message}. Return JSON values from the step, or nothing.`);
  }
  const bytes = text.length * 3 <= maxValueBytes ? 0 : utf8Length(text);
  if (bytes <= maxValueBytes) return text;
  const advice = 'Store it elsewhere and return a reference to it.';
  return unfit('step_too_large', `value: ${bytes} bytes of JSON, and a step can have ${maxValueBytes}. ${advice}`);
}

function unfit(code: string, message: string): { readonly failure: Failure } {
  return { failure: { code, type: code, message, retryable: false } };
}

/** The error of a failed try, as it is recorded. Type and code stay plain. */
export async function encodedFailure(failure: Failure, codec: StepCodec): Promise<Failure> {
  if (codec === plain) return failure;
  const { message, details, backtrace, ...rest } = failure;
  const secret = await codec.encode({ message, details, backtrace });
  return { ...rest, message: 'The message is encoded.', details: { encoded: secret } };
}

/** The error that the handler gets, from the recorded one. */
export async function stepErrorOf(
  step: string,
  tries: number,
  error: Wire | undefined,
  jobId: string,
  codec: StepCodec,
): Promise<StepError | StepLimitError> {
  const details = error?.details;
  const decoded = isObject(details) && 'encoded' in details ? await codec.decode(details.encoded) : undefined;
  const message = textOf(isObject(decoded) ? decoded.message : error?.message) ?? 'unknown error';
  const type = textOf(error?.type) ?? 'Error';
  if (type === 'step_too_large') return new StepLimitError(type, `The step "${step}": ${message}`, { jobId });
  const count = tries === 1 ? 'its only try' : `try ${tries}`;
  return new StepError(`The step "${step}" failed in ${count}: ${message}`, step, tries, type, { jobId });
}

/** The length of a wait in milliseconds. @throws {OJSValidationError} for an invalid time, or one beyond ten years. */
export function waitMs(time: Duration | Date, path: string, now: number): number {
  const ms = time instanceof Date ? time.getTime() - now : durationMs(time, path);
  if (Number.isNaN(ms)) throw OJSValidationError.of(path, 'the Date is invalid');
  if (ms > stepLimits.waitMs) throw OJSValidationError.of(path, 'expected at most ten years', time);
  return ms;
}
