import type { Answer } from '@ojs-ts/core';
import { parseWire } from './json.ts';
import type { Operation } from './operation.ts';

export function* manifest(): Operation<Record<string, unknown>> {
  return { ...(yield { call: { operation: 'system.manifest' } }) };
}

export function* health(): Operation<Record<string, unknown>> {
  return { ...(yield { call: { operation: 'system.health' }, settings: { isAnswer: isReport } }) };
}

/** A server that is degraded says so with 503. */
function isReport({ status, text }: Answer): boolean {
  return status === 503 && typeof parseWire(text)?.status === 'string';
}
