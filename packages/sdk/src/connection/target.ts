import type { Names, Transport } from '@ojs-ts/core';
import { platform } from '#platform';
import { OJSValidationError } from '../errors.ts';
import { checkNames } from '../options/check-names.ts';
import { readQueueName } from '../options/values.ts';
import { readBaseUrl } from '../transport/http.ts';

/** The URL in the object form of a constructor: `new Client({ url, token })`. */
export interface UrlOption {
  /** URL of the server. Default: `OJS_BACKEND_URL`, else http://localhost:8080. */
  url?: string | undefined;
}

/** The arguments of a constructor. */
export interface Target<O> {
  readonly target: string | Transport | undefined;
  readonly options: Partial<O>;
}

/**
 * Reads `new Client(target?, options?)` and `new Client({ url, ...options })`. An object with a function `call` is a
 * transport, any other plain object is the second form.
 * @param what the name of the class, for messages.
 * @throws {OJSValidationError} for another form, and for an unknown option.
 */
export function readTarget<O extends object>(
  first: string | Transport | (UrlOption & O) | undefined,
  second: O | undefined,
  names: Names,
  what: string,
): Target<O> {
  if (first === undefined || typeof first === 'string' || isTransport(first)) {
    const options = second ?? {};
    if (Object.hasOwn(options, 'url'))
      throw OJSValidationError.of('url', `give it once: new ${what}(url, { … }) or new ${what}({ url, … })`);
    checkNames(options, names);
    return { target: first, options };
  }
  if (!isPlain(first)) throw OJSValidationError.of('target', `expected a URL as a text, a transport or options`, first);
  if (second !== undefined)
    throw OJSValidationError.of(
      'options',
      `expected one object with all options, got two. Write new ${what}({ url, … })`,
    );
  checkNames(first, { ...names, url: true });
  const { url } = first;
  // Checked here, so that the error names `url`.
  if (typeof url === 'string') readBaseUrl(url, 'url');
  return { target: url, options: first };
}

/** A URL object or a client has no options of its own, and would mean the default URL. */
function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null || Object.hasOwn(value, 'url');
}

export function isTransport(value: unknown): value is Transport {
  return typeof value === 'object' && value !== null && 'call' in value && typeof value.call === 'function';
}

/** The queue of jobs that name none; undefined for the default of the server. @throws {OJSValidationError} */
export function defaultQueue(option: string | undefined): string | undefined {
  return option === undefined ? platform.environment?.queue() : readQueueName(option, 'queue');
}
