import { describe, expect } from 'vitest';
import { testWith } from '../../../core/test/support/test-with.ts';
import { diagnose, type Finding } from '../../src/engine/diagnosis.ts';
import { cronsOf } from '../storage/crons-of.ts';
import { type Bench, bench } from '../support/engine.ts';
import { storages } from '../support/storages.ts';

/** Without what is said of the store itself. */
async function found({ engine }: Bench): Promise<readonly Finding[]> {
  const ofStore = new Set((await engine.storage.diagnose()).map(({ message }) => message));
  // The clock of a bench is a manual one.
  return (await diagnose(engine)).filter(({ message, code }) => !ofStore.has(message) && code !== 'clock');
}

const beat = (b: Bench, worker: string, info: object) =>
  b.engine.protocol.beat({ worker, holds: [], leaseMs: null, state: 'running', info: JSON.stringify(info) });

describe.each(storages)('on $name', ({ url }) => {
  const it = testWith(() => bench(url()));

  it('nothing is wrong with an empty store, nor where a worker reads the queue', async (b) => {
    expect(await found(b)).toEqual([]);
    await b.push({ queue: 'mail' });
    await beat(b, 'w1', { queues: ['mail'] });
    expect(await found(b)).toEqual([]);
  });

  it('queues that nobody reads, or that are paused or closed', async (b) => {
    for (const queue of ['unread', 'paused', 'closed', 'quiet']) await b.push({ queue });
    await beat(b, 'w1', { queues: ['paused', 'closed'] });
    await b.engine.protocol.beat({
      worker: 'w2',
      holds: [],
      leaseMs: null,
      state: 'quiet',
      info: '{"queues":["quiet"]}',
    });
    await b.engine.storage.registry.pauseQueue('paused', true, b.clock.now());
    await b.engine.queueSettings.configure('closed', { concurrency: 0 });
    const codes = (await found(b)).map(({ code, message }) => `${code} ${/queue (\w+)/.exec(message)?.[1]}`);
    expect(codes.toSorted()).toEqual([
      'closed_limit closed',
      'paused_queue paused',
      'unread_queue quiet',
      'unread_queue unread',
    ]);
  });

  it('a queue that only warns is never full, and an override of 0 closes a queue too', async (b) => {
    for (const queue of ['full', 'warns', 'closed']) {
      await b.push({ queue });
      await beat(b, queue, { queues: [queue] });
    }
    await b.engine.queueSettings.configure('full', { maxDepth: 1 });
    await b.engine.queueSettings.configure('warns', { maxDepth: 1, strategy: 'warn' });
    await b.engine.storage.registry.overrideLimit('queue:closed', { concurrency: 0, rates: [] }, b.clock.now());
    const findings = await found(b);
    expect(findings.map(({ code, message }) => `${code} ${/full|warns|closed/.exec(message)?.[0]}`).toSorted()).toEqual(
      ['closed_limit closed', 'full_queue full'],
    );
  });

  it('a worker that has sent nothing for long reads no queue', async (b) => {
    await b.push({ queue: 'mail' });
    await beat(b, 'w1', { queues: ['mail'] });
    b.clock.advance(60_000);
    const codes = (await found(b)).map(({ code }) => code);
    expect(codes).toContain('unread_queue');
  });

  it('leases that nobody takes back, and crons that nobody fires', async (b) => {
    await b.start('w1', { visibilityMs: 1_000 });
    await cronsOf(b.engine.storage).put(
      { name: 'nightly', spec: '{"enqueue":"{}"}', enabled: true, dueAt: b.clock.now() },
      b.clock.now(),
    );
    await cronsOf(b.engine.storage).put(
      { name: 'over', spec: '{"enqueue":"{}"}', enabled: true, dueAt: null },
      b.clock.now(),
    );
    b.clock.advance(3_600_000);
    const findings = await found(b);
    expect(findings.map(({ code }) => code).toSorted()).toEqual(['ended_cron', 'late_cron', 'overdue_jobs']);
    expect(findings.map(({ severity }) => severity)).toEqual(['error', 'error', 'warning']);
  });

  it('limits that never open, dead workers, versions, and tokens that end', async (b) => {
    await b.push({ queue: 'q', limits: [{ key: 'tenant', concurrency: 1, rates: [] }] });
    await b.engine.storage.registry.overrideLimit('tenant', { concurrency: 0, rates: [] }, b.clock.now());
    await beat(b, 'gone', { queues: ['q'] });
    b.clock.advance(60_000);
    await beat(b, 'old', { queues: ['q'], version: '1.0' });
    await beat(b, 'new', { queues: ['q'], version: '2.0' });
    const expiresAt = b.clock.now() + 3_600_000;
    await b.engine.tokens.create({ name: 'a', roles: ['admin'], queues: ['*'], expiresAt, createdBy: 'root' });
    const findings = await found(b);
    expect(findings.map(({ code }) => code).toSorted()).toEqual([
      'closed_limit',
      'dead_worker',
      'mixed_versions',
      'token_ends',
    ]);
    expect(JSON.stringify(findings)).toContain('tenant');
  });

  it('a limit whose slots are held for long while jobs wait', async (b) => {
    const limits = [{ key: 'bank', concurrency: 1, rates: [] }];
    for (let job = 0; job < 3; job++) await b.push({ queue: 'q', limits });
    await b.fetch({ queues: ['q'], worker: 'deaf', count: 1 });
    const codes = async () => (await found(b)).map(({ code }) => code);
    expect(await codes()).not.toContain('stuck_limit');
    b.clock.advance(600_000);
    const finding = (await found(b)).find(({ code }) => code === 'stuck_limit');
    expect(finding?.message).toMatch(
      /^The limit bank is full: its only slot is held since \S+ or longer, and 2 jobs wait\.$/,
    );
  });

  it('a live worker whose event loop is blocked', async (b) => {
    await beat(b, 'busy', { queues: ['q'], load: { event_loop_lag_ms: 29_000 } });
    await beat(b, 'hung', { queues: ['q'], load: { event_loop_lag_ms: 75_400 } });
    const findings = await found(b);
    expect(findings.map(({ code }) => code)).toEqual(['blocked_worker']);
    expect(findings[0]?.message).toBe(
      'The event loop of the worker hung has been blocked for 75 s: none of its jobs makes progress.',
    );
    b.clock.advance(60_000);
    expect((await found(b)).map(({ code }) => code)).not.toContain('blocked_worker');
  });

  it('of many findings of a kind the first ten are told', async (b) => {
    for (let number = 0; number < 12; number++) await b.push({ queue: `q${number}` });
    const findings = await found(b);
    expect(findings).toHaveLength(10);
    expect(findings.at(-1)?.message).toContain('There are 2 more of this kind.');
  });
});
