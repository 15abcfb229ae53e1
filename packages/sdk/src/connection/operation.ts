import type { Call } from '@ojs-ts/core';
import type { ErrorContext } from '../errors.ts';
import type { Wire } from '../json.ts';
import type { CallSettings } from './attempts.ts';

/** One call that an operation makes. */
export interface Ask {
  readonly call: Call;
  readonly about?: ErrorContext;
  readonly settings?: CallSettings;
}

/**
 * The calls of an operation and how their answers are read, apart from the transport: the operation yields its calls
 * and continues with their bodies, or with their error. `Connection.ask` carries it out without blocking, that of the
 * sync client while the thread waits.
 */
export type Operation<T> = Generator<Ask, T, Wire>;

/** @param send answers the body of a call, or rejects. */
export async function carryOut<T>(operation: Operation<T>, send: (ask: Ask) => Promise<Wire>): Promise<T> {
  let step = operation.next();
  while (!step.done) {
    step = await send(step.value).then(
      (body) => operation.next(body),
      (error: unknown) => operation.throw(error),
    );
  }
  return step.value;
}
