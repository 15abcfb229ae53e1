import { startServer } from '@ojs-ts/server';
import { expect, expectTypeOf, test } from 'vitest';
import * as ojs from '../../src/index.ts';
import { keepingLogger } from '../support/log.ts';

// The brief's examples of workflows and events, word for word where TypeScript has the words.

const logger = keepingLogger();

test('beyond the brief: typed forms', async () => {
  const emailSend = ojs.defineJob<'email.send', [to: string, template: 'welcome' | 'reset'], { id: string }>(
    'email.send',
    { queue: 'email' },
  );
  await using server = await startServer({ storage: 'sqlite:', port: 0, log: false });
  await using client = new ojs.Client(server.url, { logger });
  const worker = new ojs.Worker(server.url, { queues: ['email', 'default'], handleSignals: false, logger });
  worker.register('email.send', ({ args: [to] }) => ({ id: to }));
  worker.register('x.y', () => 'z');
  await worker.runUntil(async () => {
    const inner = ojs.group('g', [ojs.job(emailSend, ['a', 'welcome'])]);
    const last: { id: string } = await (
      await client.workflow(ojs.chain('c', [inner, ojs.job(emailSend, ['b', 'reset'])]))
    ).wait();
    expect(last).toEqual({ id: 'b' });
    const pair = ojs.group('g', [ojs.job(emailSend, ['a', 'welcome']), { type: 'x.y', args: [] }]);
    const all: readonly [{ id: string }, unknown] = await (await client.workflow(pair)).wait();
    expect(all).toEqual([{ id: 'a' }, 'z']);
    const handle = await client.workflow(pair);
    expectTypeOf(handle.wait).returns.resolves.toEqualTypeOf<[{ id: string }, unknown]>();
    const unknown = await client.getWorkflow(handle.id);
    expectTypeOf(unknown.wait).returns.resolves.toBeUnknown();
    const wf: ojs.Workflow = handle;
    expect(wf.name).toBe('g');
  });
  // @ts-expect-error wrong template
  ojs.job(emailSend, ['a', 'nope']);
  expect(() =>
    // @ts-expect-error a callback is a job, not a workflow
    ojs.batch('b', [ojs.job(emailSend, ['a', 'reset'])], { onComplete: ojs.chain('c', []) }),
  ).toThrow('onComplete: a callback is a job, not a workflow');
  // @ts-expect-error keys of a unique policy have no default
  ojs.chain('c', [{ type: 'x.y', args: [], unique: { period: '1h' } }]);
});

test('parentResults() is typed by what it is given', () => {
  const one = ojs.defineJob<'a.one', [], number>('a.one');
  const two = ojs.defineJob<'a.two', [], { id: string }>('a.two');
  const ctx = { jobType: 'a.three', parentResults: [1, { id: 'x' }, [2, 3]] };
  const inner = ojs.group('g', [ojs.job(one, []), ojs.job(one, [])]);
  const [first, , [third]] = ojs.parentResults(ctx, one, two, [one, one]);
  expectTypeOf(first).toEqualTypeOf<number>();
  expectTypeOf(third).toEqualTypeOf<number>();
  const results = ojs.parentResults(ctx, one, two, inner);
  expectTypeOf(results).toEqualTypeOf<[number, { id: string }, [number, number]]>();
  expect(ojs.parentResults(ctx, one, two, inner)).toEqual([1, { id: 'x' }, [2, 3]]);
  expect(() => ojs.parentResults(ctx, one)).toThrow(ojs.OJSValidationError);
});
