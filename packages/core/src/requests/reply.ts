import type { Json } from '../job/job.ts';

/** An answer of the HTTP binding before HTTP, without the headers that every answer has. */
export interface PlainReply {
  readonly status: number;
  readonly text: Json;
  readonly headers?: Readonly<Record<string, string>>;
}

export function ok(text: Json): PlainReply {
  return { status: 200, text };
}

export function json(value: unknown, status = 200): PlainReply {
  return { status, text: JSON.stringify(value) };
}
