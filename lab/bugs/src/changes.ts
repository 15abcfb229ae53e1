/** Kinds of changes that many bugs are made of. */

import { Binding } from '../../../packages/server/src/binding/binding.ts';
import type { Reply } from '../../../packages/server/src/binding/reply.ts';
import * as app from '../../../packages/server/src/http/app.ts';
import * as core from './core.ts';
import { on, type Plant } from './plant.ts';

/** Changes answers of operations. */
export function answers(operations: RegExp, change: (reply: Reply) => Reply): Plant {
  return on(Binding.prototype, 'call', async (next, operation, request) => {
    const reply = await next(operation, request);
    return operations.test(operation) ? change(reply) : reply;
  });
}

/** Changes the texts of answers. */
export function answerTexts(operations: RegExp, change: (text: string) => string): Plant {
  return answers(operations, (reply) => ({ ...reply, text: change(reply.text) }));
}

/** Changes the bodies of requests. */
export function bodies(operations: RegExp, change: (body: Readonly<Record<string, unknown>>) => object): Plant {
  return on(Binding.prototype, 'call', (next, operation, request) =>
    next(
      operation,
      operations.test(operation) && request.body !== undefined
        ? { ...request, body: JSON.stringify(change(JSON.parse(request.body))) }
        : request,
    ),
  );
}

/** Changes jobs as they are read from the requests that enqueue them. */
export function enqueued(change: (job: core.NewJob) => core.NewJob): Plant {
  return all(
    on(core, 'readEnvelope', (next, ...args) => {
      const read = next(...args);
      return { ...read, job: change(read.job) };
    }),
    on(core, 'readParsedEnvelope', (next, ...args) => {
      const read = next(...args);
      return { ...read, job: change(read.job) };
    }),
  );
}

/** Changes what the HTTP server sends, just before it is sent. */
export function sent(
  change: (
    request: { readonly is404: boolean },
    reply: { removeHeader(name: string): unknown },
    text: unknown,
  ) => unknown,
): Plant {
  return on(app, 'httpApp', (next, ...args) =>
    next(...args).addHook('onSend', async (request, reply, text) => change(request, reply, text)),
  );
}

export function all(...plants: readonly Plant[]): Plant {
  return () => {
    const changes = plants.map((plant) => plant());
    return () => {
      const undo = changes.map((change) => change());
      return () => {
        for (const one of undo) one();
      };
    };
  };
}

/** A copy of the object without a member. */
export function without<T extends object, Name extends keyof T>(of: T, name: Name): Omit<T, Name> {
  const { [name]: _, ...rest } = of;
  return rest;
}
