import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import {
  Admin,
  defineSignal,
  JobEndedError,
  JobNotFoundError,
  OJSValidationError,
  TokenTakenError,
} from '../../../src/index.ts';
import { gate } from '../../support/bench.ts';
import { openStill, storages } from './stage.ts';

const hour = 3_600_000;
const day = 24 * hour;
const approval = defineSignal<{ approved: boolean; by: string }>('approval');
const caught = (work: Promise<unknown>) => work.catch((error: unknown) => error);
const yes = { approved: true, by: 'ann' };

describe.each(storages)('signals on %s', (storage) => {
  test('a signal wakes the job that waits for it, and its id counts once', async () => {
    await using stage = await openStill(storage);
    const ends: string[] = [];
    const worker = stage.quick().register('test.job', async (ctx) => {
      try {
        return [await ctx.wait(approval), ctx.attempt];
      } finally {
        ends.push('finally');
      }
    });
    await worker.runUntil(async () => {
      await stage.suspended(1);
      expect((await stage.client.getJob(stage.job.id)).state).toBe('retryable');
      expect(await stage.client.signal(stage.job, approval, yes, { id: 's1' })).toBe('woken');
      expect(await stage.job.wait()).toEqual([yes, 1]);
      expect(await stage.client.signal(stage.job.id, approval, yes, { id: 's1' })).toBe('repeated');
    });
    expect(ends).toEqual(['finally']);
  });

  test('signals that came before their waits are read in order, also large ones and those without a payload', async () => {
    await using stage = await openStill(storage);
    const large = 'x'.repeat(5_000);
    for (const payload of [large, undefined, null, { n: 1 }])
      expect(await stage.client.signal(stage.job, 'item', payload)).toBe('kept');
    const worker = stage.quick().register('test.job', async (ctx) => {
      const first = await ctx.wait<string>('item');
      const none = await ctx.wait('item', { as: 'second' });
      return [
        first.length,
        none === undefined,
        await ctx.wait('item', { as: 'third' }),
        await ctx.wait('item', { as: '4' }),
      ];
    });
    expect(await worker.runUntil(() => stage.job.wait())).toEqual([5_000, true, null, { n: 1 }]);
    expect(stage.wire.of('worker.steps').length).toBeLessThanOrEqual(4);
  });

  test('a wait ends with its timeout, and a later signal is for the next wait', async () => {
    await using stage = await openStill(storage);
    const worker = stage.quick().register('test.job', async (ctx) => {
      const first = await ctx.wait(approval, { timeout: '7d' });
      return [first ?? 'late', await ctx.wait(approval, { as: 'again', timeout: new Date(Date.now() + 30 * day) })];
    });
    await worker.runUntil(async () => {
      await stage.suspended(1);
      await stage.advance(7 * day + 1);
      await stage.suspended(2);
      await stage.client.signal(stage.job, approval, yes);
      expect(await stage.job.wait()).toEqual(['late', yes]);
    });
  });

  test('a short timeout stays in the process', async () => {
    await using stage = await openStill(storage);
    const worker = stage.quick().register('test.job', async (ctx) => (await ctx.wait('x', { timeout: 20 })) ?? 'late');
    expect(await worker.runUntil(() => stage.job.wait())).toBe('late');
  });

  test('a race of a signal and a sleep has the same winner in each execution', async () => {
    await using stage = await openStill(storage);
    const winners: string[] = [];
    const reminded: string[] = [];
    const worker = stage.quick().register('test.job', async (ctx) => {
      const answer = ctx.wait(approval, { timeout: '7d' });
      const late = ctx.sleep('two days', '2d').then(() => 'late');
      const winner = await Promise.race([answer.then(() => 'answer'), late]);
      winners.push(winner);
      if (winner === 'late') await ctx.step('remind', () => void reminded.push('mail'));
      const decision = await answer;
      await ctx.sleep('cool down', '1h');
      return decision;
    });
    await worker.runUntil(async () => {
      await stage.suspended(1);
      await stage.advance(2 * day + 1);
      await stage.suspended(2);
      await stage.client.signal(stage.job, approval, yes);
      await stage.suspended(3);
      await stage.advance(hour + 1);
      expect(await stage.job.wait()).toEqual(yes);
    });
    expect(winners).toEqual(['late', 'late', 'late']);
    expect(reminded).toHaveLength(1);
  });

  test('a signal that comes beside a running step is read behind it', async () => {
    await using stage = await openStill(storage);
    const started = gate();
    const sent = gate();
    const worker = stage.quick().register('test.job', async (ctx) => {
      const answer = ctx.wait('go');
      await ctx.step('slow', async () => {
        started.open();
        await sent.opened;
      });
      return answer;
    });
    await worker.runUntil(async () => {
      await started.opened;
      expect(await stage.client.signal(stage.job, 'go', 1)).toBe('kept');
      sent.open();
      expect(await stage.job.wait()).toBe(1);
    });
  });

  test('a token is known before its job, and has one waiter', async () => {
    await using stage = await openStill(storage);
    expect(await stage.client.signalToken('left:42', null, { expires: '30d' })).toBe('kept');
    const second = await stage.client.enqueue('second.job', [], { delay: '1h' });
    const worker = stage.quick().register('test.job', async (ctx) => {
      const left = await ctx.wait<null>('left', { token: 'left:42' });
      return [left, await ctx.wait('left', { as: 'again', token: 'left:42' })];
    });
    worker.register('second.job', async (ctx) => {
      const error = await caught(ctx.wait('left', { token: 'left:42' }));
      return error instanceof TokenTakenError ? [error.token, error.ownerJobId, String(error)] : error;
    });
    await worker.runUntil(async () => {
      await stage.suspended(1);
      await stage.advance(hour + 1);
      expect(await second.wait()).toEqual([
        'left:42',
        stage.job.id,
        expect.stringContaining('which can have one waiter'),
      ]);
      expect(await stage.client.signalToken('left:42', 'again')).toBe('woken');
      expect(await stage.job.wait()).toEqual([null, 'again']);
      expect(await stage.client.signalToken('left:42')).toBe('kept');
    });
  });

  test('a schema refuses a payload at its sender, and what another sender has sent at the wait', async () => {
    await using stage = await openStill(storage);
    const signal = defineSignal('count', z.object({ n: z.number().transform((n) => n * 2) }));
    // @ts-expect-error The schema has a number.
    const refused = await caught(stage.client.signal(stage.job, signal, { n: 'one' }));
    expect(refused).toBeInstanceOf(OJSValidationError);
    expect(String(refused)).toContain('payload.n: ');
    const errors: unknown[] = [];
    const worker = stage.quick().register('test.job', async (ctx) => {
      errors.push(await caught(ctx.wait(signal)));
      return await ctx.wait(signal, { as: 'again' });
    });
    await worker.runUntil(async () => {
      await stage.suspended(1);
      await stage.client.signal(stage.job, 'count', { n: 'one' });
      await stage.suspended(2);
      await stage.client.signal(stage.job, signal, { n: 1 });
      expect(await stage.job.wait()).toEqual({ n: 2 });
    });
    expect(errors).toHaveLength(2);
    expect(errors[1]).toBeInstanceOf(OJSValidationError);
    expect(String(errors[1])).toMatch(/^OJSValidationError: The schema of the signal "count" refuses .*: payload\.n: /);
    expect(String(errors[1])).toBe(String(errors[0]));
  });

  test('an operator ends a wait, which times out, and a sleep', async () => {
    await using stage = await openStill(storage);
    await using admin = new Admin(stage.embedded);
    const worker = stage.quick().register('test.job', async (ctx) => {
      const [answer] = await Promise.all([ctx.wait(approval, { timeout: '7d' }), ctx.sleep('night', '8h')]);
      return answer ?? 'late';
    });
    await worker.runUntil(async () => {
      await stage.suspended(1);
      expect(String(await caught(admin.wake(stage.job.id, { names: ['aproval'] })))).toContain('Did you mean');
      expect((await admin.wake(stage.job.id, { names: ['approval'] })).id).toBe(stage.job.id);
      await stage.suspended(2);
      await admin.wake(stage.job.id);
      expect(await stage.job.wait()).toBe('late');
    });
  });

  test('wrong calls say what is wrong', async () => {
    await using stage = await openStill(storage);
    const { client, job } = stage;
    const messages = async (...calls: readonly Promise<unknown>[]) =>
      (await Promise.all(calls.map(caught))).map(String);
    expect(
      await messages(
        client.signal(job, '', 1),
        client.signal('', 'x', 1),
        client.signal(job, 'x', new Date()),
        client.signalToken('x'.repeat(256)),
        client.signalToken('x', 1, { expires: '400d' }),
      ),
    ).toEqual([
      expect.stringContaining('signal: expected a text of 1 to 128 characters, got 0 characters'),
      expect.stringContaining('job: expected a job or its id, got ""'),
      expect.stringContaining('payload: a Date is no JSON value'),
      expect.stringContaining('token: expected a text of 1 to 255 characters, got 256 characters'),
      expect.stringContaining('expires_in_ms'),
    ]);
    const unknown = await caught(client.signal('01890000-0000-7000-8000-000000000000', 'x', 1));
    expect(unknown).toBeInstanceOf(JobNotFoundError);
    const worker = stage.quick().register('test.job', async (ctx) => {
      const nested = await caught(ctx.step('outer', () => ctx.wait('x'), { retry: false }));
      const name = await caught(ctx.wait('y'.repeat(129)));
      // @ts-expect-error The option has another name.
      const option = await caught(ctx.wait('z', { tokn: 't' }));
      return [nested, name, option].map(String);
    });
    expect(await worker.runUntil(() => job.wait())).toEqual([
      expect.stringContaining('is called inside of the step "outer"'),
      expect.stringContaining('signal: expected a text of 1 to 128 characters'),
      expect.stringContaining('tokn: unknown option. Did you mean token?'),
    ]);
    const ended = await caught(client.signal(job, 'x', 1));
    expect(ended).toBeInstanceOf(JobEndedError);
    expect(ended).toMatchObject({ code: 'job_ended', jobId: job.id });
  });

  test('a request for a record that is not answered is repeated, and takes one signal', async () => {
    await using stage = await openStill(storage);
    for (const place of [1, 2]) await stage.client.signal(stage.job, 'item', place);
    stage.wire.spoil('worker.steps', 'after');
    const worker = stage
      .quick()
      .register('test.job', async (ctx) => [await ctx.wait('item'), await ctx.wait('item', { as: 'second' })]);
    expect(await worker.runUntil(() => stage.job.wait())).toEqual([1, 2]);
  });
});
