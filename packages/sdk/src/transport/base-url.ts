import { OJSValidationError } from '../errors.ts';

export const defaultUrl = 'http://localhost:8080';

/** @param name of the option or variable that holds the text. @throws {OJSValidationError} */
export function readBaseUrl(text: string, name: string): URL {
  const base = URL.parse(text);
  if (base !== null && /^https?:$/.test(base.protocol) && !/\/ojs\/v1\/?$/.test(base.pathname)) return base;
  throw OJSValidationError.of(
    name,
    `expected an http or https URL without /ojs/v1, such as ${defaultUrl}, got ${JSON.stringify(text)}`,
  );
}
