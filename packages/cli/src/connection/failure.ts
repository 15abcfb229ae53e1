import { type Answer, isObject } from '@ojs-ts/core';
import { plainLines } from '../output/plain.ts';

/** The exit codes, by which a script sees how a command ended. 0 is success. */
export const exitCodes = { failed: 1, usage: 2, missing: 3, denied: 4, unreachable: 5, interrupted: 130 } as const;

export type FailureKind = keyof typeof exitCodes;

/** Ends a command with one message on standard error and an exit code. */
export class Failure extends Error {
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

const kinds: Readonly<Record<number, FailureKind>> = { 401: 'denied', 403: 'denied', 404: 'missing' };

const tokenHint = 'Set OJS_AUTH_TOKEN, or keep a token with: ojs context set NAME --url URL --token-stdin';

/** The meaning of a status of 400 and more. */
export function kindOf(status: number): FailureKind {
  return kinds[status] ?? 'failed';
}

/** The failure that an answer of 400 or more reports. @param place the server, as the user named it. */
export function refusalOf({ status, text }: Answer, place: string): Failure {
  const message = messageIn(text);
  if (message === null)
    return new Failure(
      'unreachable',
      `${place} answered ${status} without an OJS error. Check that an OJS server runs there.`,
    );
  return new Failure(kindOf(status), plainLines(status === 401 ? `${message} ${tokenHint}` : message));
}

function messageIn(text: string): string | null {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return null;
  }
  const error = isObject(body) ? body.error : null;
  return isObject(error) && typeof error.message === 'string' ? error.message : null;
}
