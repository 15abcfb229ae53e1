import type { Warning } from '../envelope/unknown-members.ts';
import type { Json } from '../job/job.ts';
import { uuidv7 } from '../uuid.ts';

/** An answer of the HTTP binding before HTTP, without the headers that every answer has. */
export interface PlainReply {
  readonly status: number;
  readonly text: Json;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Accepted members without an effect, for `warnings` in the text; for a schema in the mode `warn` a sentence
   * (ojs-schema-registry §7.3).
   */
  readonly warnings?: readonly (Warning | string)[];
}

/** The id of a request: the client's own if it is safe to echo. */
export function requestIdOf(sent: unknown): string {
  return typeof sent === 'string' && /^[\x21-\x7e]{1,128}$/.test(sent) ? sent : `req_${uuidv7()}`;
}

export function ok(text: Json): PlainReply {
  return { status: 200, text };
}

export function json(value: unknown, status = 200): PlainReply {
  return { status, text: JSON.stringify(value) };
}
