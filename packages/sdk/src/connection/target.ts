import { type Names, nearestName, type Transport } from '@ojs-ts/core';
import { platform } from '#platform';
import { OJSValidationError } from '../errors.ts';
import { checkNames, nameProblem } from '../options/check-names.ts';
import { readQueueName } from '../options/values.ts';
import { readBaseUrl } from '../transport/http.ts';

/** The URL in the object form of a constructor: `new Client({ url, token })`. */
export interface UrlOption {
  /** URL of the server. `undefined`: `OJS_BACKEND_URL`, else http://localhost:8080. */
  url: string | undefined;
}

/** The arguments of a constructor. */
export interface Target<O> {
  readonly target: string | Transport | undefined;
  readonly options: Partial<O>;
}

/**
 * Reads `new Client(target?, options?)` and `new Client({ url, ...options })`. An object with a function `call` is a
 * transport, an object with `url` is the second form.
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
      throw OJSValidationError.of('url', `belongs to the object form of the options. ${forms(what, [])}`);
    checkNames(options, names);
    return { target: first, options };
  }
  if (typeof first !== 'object' || first === null)
    throw OJSValidationError.of('target', `expected a URL or a transport. ${forms(what, [])}`);
  if (second !== undefined)
    throw OJSValidationError.of(
      'options',
      `expected one object with all options, or a URL in front of it. ${forms(what, [])}`,
    );
  if (!Object.hasOwn(first, 'url')) throw withoutUrl(first, names, what);
  checkNames(first, { ...names, url: true });
  // Checked here, so that the error names `url`.
  if (typeof first.url === 'string') readBaseUrl(first.url, 'url');
  return { target: first.url, options: first };
}

export function isTransport(value: unknown): value is Transport {
  return typeof value === 'object' && value !== null && 'call' in value && typeof value.call === 'function';
}

function withoutUrl(options: object, names: Names, what: string): OJSValidationError {
  const given = Object.keys(options);
  const slip = given.find((name) => !Object.hasOwn(names, name) && nearestName(name, ['url']) !== undefined);
  if (slip !== undefined) return OJSValidationError.of(slip, `unknown option. Did you mean url? ${forms(what, [])}`);
  const missing = `expected a URL or a transport, got options without url. ${forms(what, given)}`;
  const problem = nameProblem(options, names);
  if (problem === null) return OJSValidationError.of('target', missing);
  // One error for both mistakes.
  return OJSValidationError.of(problem.path, `${problem.message} And target: ${missing}`);
}

/** The two forms of the constructor, with the given names. Values may be secrets, so they are left out. */
function forms(what: string, given: readonly string[]): string {
  const some = given.slice(0, 3).map((name) => `${name}: …`);
  const rest = [...some, ...(given.length > some.length || given.length === 0 ? ['…'] : [])].join(', ');
  return (
    `Write new ${what}({ url: undefined, ${rest} }) or new ${what}(undefined, ` +
    `{ ${rest} }) for the URL in OJS_BACKEND_URL, else http://localhost:8080; any other URL in place of undefined.`
  );
}

/** The queue of jobs that name none; undefined for the default of the server. @throws {OJSValidationError} */
export function defaultQueue(option: string | undefined): string | undefined {
  return option === undefined ? platform.environment?.queue() : readQueueName(option, 'queue');
}
