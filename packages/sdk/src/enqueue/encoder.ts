import type { JsonArray, Meta } from '../job.ts';

/** Stands on an enqueue middleware that encodes args, for what passes no middleware and must not go in plain all the same: crons. */
export const encodes = Symbol.for('@ojs-ts/sdk.encodes-args');

/** What it does to args and meta. What is encoded already stays as it is. */
export type Encoder = (args: JsonArray, meta: Meta) => Promise<{ readonly args: JsonArray; readonly meta: Meta }>;

/** Null where the middleware encodes nothing. */
export function encoderOf(middleware: object): Encoder | null {
  const found: unknown = Reflect.get(middleware, encodes);
  return isEncoder(found) ? found : null;
}

function isEncoder(value: unknown): value is Encoder {
  return typeof value === 'function';
}
