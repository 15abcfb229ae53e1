import { type Answer, isObject } from '@ojs-ts/core';
import { text } from '../output/cells.ts';
import { plainLines } from '../output/plain.ts';

/** The exit codes, by which a script sees how a command ended. 0 is success. */
export const exitCodes = { failed: 1, usage: 2, missing: 3, denied: 4, unreachable: 5, interrupted: 130 } as const;

export type FailureKind = keyof typeof exitCodes;

/** Ends a command with a message on standard error and an exit code. */
export class Failure extends Error {
  readonly kind: FailureKind;
  /** Lines below the message: what helps, and the address of the page about the error. */
  readonly advice: readonly string[];

  constructor(kind: FailureKind, message: string, advice: readonly string[] = []) {
    super(message);
    this.kind = kind;
    this.advice = advice;
  }
}

const kinds: Readonly<Record<number, FailureKind>> = { 401: 'denied', 403: 'denied', 404: 'missing' };

const tokenHint = 'Set OJS_AUTH_TOKEN, or keep a token with: ojs context set NAME --url URL --token-stdin';

/** The parts of a refusal that a command prints. */
interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly docsUrl?: string | undefined;
  readonly requestId?: string | undefined;
}

/** The messages of these codes name the value and what is expected; their hints are about request bodies. */
const selfEvident: ReadonlySet<string> = new Set(['invalid_request', 'validation_error']);

/** A refusal of the server as the end of a command. */
export function refused({ status, code, message, hint, docsUrl, requestId }: Refusal): Failure {
  const shown = status === 401 ? tokenHint : selfEvident.has(code) ? undefined : hint;
  // The log of the server has the cause under it.
  const inLog = status === 500 && requestId ? `Request id: ${requestId}` : undefined;
  const advice = [shown, inLog, docsUrl].flatMap((line) =>
    line === undefined || line === '' ? [] : [plainLines(line)],
  );
  return new Failure(kinds[status] ?? 'failed', plainLines(message), advice);
}

/** The failure that an answer of 400 or more reports. @param place the server, as the user named it. */
export function refusalOf({ status, text: answer }: Answer, place: string): Failure {
  const refusal = refusalIn(answer);
  if (refusal !== null) return refused({ status, ...refusal });
  return new Failure(
    'unreachable',
    `${place} answered ${status} without an OJS error. Check that an OJS server runs there.`,
  );
}

function refusalIn(answer: string): Omit<Refusal, 'status'> | null {
  let body: unknown;
  try {
    body = JSON.parse(answer);
  } catch {
    return null;
  }
  const error = isObject(body) ? body.error : null;
  if (!isObject(error) || typeof error.message !== 'string') return null;
  const [code, hint, docsUrl] = [text(error, 'code'), text(error, 'hint'), text(error, 'docs_url')];
  return { code, message: error.message, hint, docsUrl, requestId: text(error, 'request_id') };
}
