import { describe, expect, expectTypeOf, test } from 'vitest';
import { defineJob, type JobContext, OJSValidationError, type StandardSchemaV1, Worker } from '../../src/index.ts';
import { benchOfEachTest } from '../support/bench.ts';

const bench = benchOfEachTest();

/** A validator of our own: what a library would give. */
function schema<I, O>(
  validate: (value: unknown) => O | { path: PropertyKey[]; message: string }[],
): StandardSchemaV1<I, O> {
  return {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => {
        const made = validate(value);
        return Array.isArray(made) ? { issues: made } : { value: made };
      },
    },
  };
}

interface User {
  readonly email: string;
  readonly at: Date;
}
const payload = schema<{ email: string; at: string }, User>((value) => {
  if (typeof value !== 'object' || value === null) return [{ path: [], message: 'expected an object' }];
  if (!('email' in value) || typeof value.email !== 'string' || !value.email.includes('@'))
    return [{ path: ['email'], message: `${'email' in value ? value.email : 'this'} is no address` }];
  return { email: value.email, at: new Date('at' in value ? String(value.at) : 0) };
});
const result = schema<{ id: string }, { id: string }>((value) =>
  typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string'
    ? { id: value.id }
    : [{ path: ['id'], message: 'wanted' }],
);
const userCreate = defineJob('user.create', { payload, result });

const send = (args: unknown[], maxAttempts = 5) =>
  bench.client.enqueue('user.create', args, { retry: { maxAttempts, initialInterval: 1 } });

describe('a definition with schemas', () => {
  test('the handler gets the output of the args’ schema, and the result is the output of its schema', async () => {
    const job = await send([{ email: 'a@b.c', at: '2026-01-01T00:00:00Z' }]);
    const seen: unknown[] = [];
    const worker = bench.worker().register(userCreate, (context) => {
      expectTypeOf(context.args).toEqualTypeOf<[User]>();
      const { args, job, progress, heartbeat, checkpoint, log, signal, locals, meta } = context;
      seen.push(args[0].at.getTime(), job.args, context.jobId, context.attempt, context.queue, context.jobType);
      seen.push(
        [progress, heartbeat, checkpoint].map((method) => typeof method),
        log !== undefined,
        signal.aborted,
        locals.size,
        meta,
      );
      const made: { id: string } = { ...{ id: 'u1' }, ...{ password: 'kept here' } };
      return made;
    });
    expect(await worker.runUntil(() => job.wait())).toEqual({ id: 'u1' });
    const made = { email: 'a@b.c', at: new Date('2026-01-01T00:00:00Z') };
    const methods = ['function', 'function', 'function'];
    expect(seen).toEqual([made.at.getTime(), [made], job.id, 1, 'default', 'user.create', methods, true, false, 0, {}]);
  });

  test.each([
    ['args that it refuses', [{ email: 'secret.none' }], 'args[0].email', 'args[0].email'],
    ['args of another type', ['secret'], 'args[0]', 'args[0]: expected an object'],
    ['more args than the payload', [1, 2], 'args', 'args'],
  ])(
    '%s discard the job at once with its issues; the log says why and shows no value',
    async (_, args, path, reason) => {
      const job = await send(args);
      const worker = bench.worker().register(userCreate, () => {
        throw new Error('must not run');
      });
      await worker.runUntil(() => job.wait().catch(() => {}));
      expect(await job.refresh()).toMatchObject({
        state: 'discarded',
        attempt: 1,
        error: {
          type: 'validation',
          code: 'validation',
          retryable: false,
          details: { issues: [{ path, message: expect.any(String) }] },
        },
      });
      expect(JSON.stringify(bench.logger.lines)).not.toContain('secret');
      expect(JSON.stringify(bench.logger.lines)).toContain(`The args of the job do not fit its schema: ${reason}`);
    },
  );

  test('a result that it refuses fails the attempt: the next one may give another', async () => {
    const job = await send([{ email: 'a@b.c', at: 'x' }]);
    const answers: unknown[] = [{}, { id: 'u2' }];
    const worker = bench.worker();
    worker.middleware(async (_, next) => {
      await next();
      return answers[0];
    });
    worker.register(userCreate, () => Reflect.apply(Array.prototype.shift, answers, []));
    await worker.runUntil(() => job.wait());
    expect(await job.refresh()).toMatchObject({
      state: 'completed',
      attempt: 2,
      errors: [
        { type: 'validation', attempt: 1, message: 'The result of the job does not fit its schema: result.id: wanted' },
      ],
    });
  });

  test('a middleware that runs the handler again does not have its args parsed twice', async () => {
    const job = await send([{ email: 'a@b.c', at: '2026-01-01T00:00:00Z' }]);
    const worker = bench.worker().middleware((_, next) => next().catch(() => next()));
    let runs = 0;
    worker.register(userCreate, ({ args: [user] }) => {
      expect(user.at).toBeInstanceOf(Date);
      if (++runs === 1) throw new Error('once');
      return { id: String(runs) };
    });
    expect(await worker.runUntil(() => job.wait())).toEqual({ id: '2' });
  });

  test('a definition without schemas works as its type', async () => {
    const plain = defineJob<'plain.job', [n: number], number>('plain.job');
    const job = await bench.client.enqueue('plain.job', [20]);
    const worker = bench.worker().register(plain, ({ args: [n] }) => n + 1);
    expect(await worker.runUntil(() => job.wait())).toBe(21);
    expect(() => worker.handler(plain, () => 1)).toThrow(OJSValidationError);
    // @ts-expect-error no function
    expect(() => worker.register('x.y', 'handler')).toThrow(/expected a function/);
  });
});

test('types: args are as annotated or as the registry says, results are checked', () => {
  interface Jobs {
    'email.send': { args: [to: string, template: string]; result: { sent: boolean } };
  }
  const strict = new Worker<Jobs>(bench.embedded);
  strict.register('email.send', async ({ args }) => {
    expectTypeOf(args).toEqualTypeOf<[to: string, template: string]>();
    return { sent: args[0] !== '' };
  });
  // @ts-expect-error wrong result
  expect(() => strict.register('email.send', async () => ({ sent: 'yes' }))).toThrow(/handler already/);
  // @ts-expect-error unknown name
  strict.handler('email.sned', () => ({ sent: true }));
  const loose = new Worker(bench.embedded);
  loose.register('a.b', ({ args }) => expectTypeOf(args).toEqualTypeOf<readonly unknown[]>());
  loose.register('a.c', async ({ args: [n] }: JobContext<[number]>) => n * 2);
  loose.handler('a.d', function named(context: JobContext<[id: string]>) {
    return context.args[0];
  });
  const emailSend = defineJob<'email.send', [to: string], { id: string }>('email.send');
  // @ts-expect-error wrong result
  loose.register(emailSend, () => ({ id: 1 }));
});
