import { type ErrorCode, type ErrorKind, errorKinds } from '@ojs-ts/core';
import { expect } from 'vitest';
import type { Response } from './request.ts';

interface ErrorBody {
  readonly error: Readonly<Record<string, unknown>>;
}

function isCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorKinds, code);
}

/** Checks that the answer is a refusal in the form of ojs-http-binding §16, and returns its code. */
export function expectRefusal(response: Response, status: number, code?: string): ErrorCode {
  expect(response.status, response.text).toBe(status);
  expect(response.headers['content-type']).toBe('application/openjobspec+json');
  expect(response.headers['ojs-version']).toBe('1.0');
  const { error } = JSON.parse(response.text) as ErrorBody;
  if (!isCode(error.type)) throw new Error(`${String(error.type)} is not in the catalogue`);
  if (code !== undefined) expect(error.type).toBe(code);
  const kind: ErrorKind = errorKinds[error.type];
  expect(error).toMatchObject({
    code: kind.wire ?? error.type,
    retryable: kind.retryable,
    canonical_code: kind.canonical,
    ojs_code: kind.ojs,
  });
  for (const name of ['message', 'hint', 'docs_url', 'request_id'])
    expect(error[name]).toEqual(expect.stringMatching(/./));
  expect(error.request_id).toBe(response.headers['x-request-id']);
  if (status === 503 || status === 429) expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
  return error.type;
}
