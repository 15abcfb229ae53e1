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
  const { headers, text } = response;
  expect(response.status, text).toBe(status);
  const { error } = JSON.parse(text) as ErrorBody;
  if (!isCode(error.type)) throw new Error(`${String(error.type)} is not in the catalogue`);
  const kind: ErrorKind = errorKinds[error.type];
  const texts = ['message', 'hint', 'docs_url', 'request_id'].filter(
    (name) => typeof error[name] !== 'string' || error[name] === '',
  );
  const { retryable, canonical_code, ojs_code, request_id } = error;
  // Compared at once: thousands of answers are.
  expect([headers['content-type'], headers['ojs-version'], error.type, error.code, texts]).toEqual([
    'application/openjobspec+json',
    '1.0',
    code ?? error.type,
    kind.wire ?? error.type,
    [],
  ]);
  expect([retryable, canonical_code, ojs_code, request_id]).toEqual([
    kind.retryable,
    kind.canonical,
    kind.ojs,
    headers['x-request-id'],
  ]);
  if (status === 503 || status === 429) expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
  return error.type;
}
