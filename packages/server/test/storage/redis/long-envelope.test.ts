import { State } from '@ojs-ts/core/job';
import { expect } from 'vitest';
import { redisMemory } from '../../../src/storage/redis/memory-report.ts';
import { redisStorage } from '../../../src/storage/redis/redis.ts';
import { idOf, insert, newJob, t0, to } from '../suite/tools.ts';
import { namespaceUrl, test } from './namespace.ts';

test('an envelope that grows is kept apart: a claim reads few bytes of a job', async () => {
  const url = namespaceUrl();
  await using storage = await redisStorage({ url });
  await storage.migrate();
  await insert(storage, [newJob(1)]);
  const kinds = async () =>
    Object.fromEntries((await redisMemory(url)).kinds.map(({ kind, bytes }) => [kind, bytes] as const));
  const small = await kinds();
  for (const [envelope, apart] of [
    [JSON.stringify({ args: ['x'.repeat(100_000)] }), true],
    ['{"args":[]}', false],
  ] as const) {
    const change = { claim: 0, envelope };
    await storage.jobs.transition([to(idOf(1), State.available, State.available, change)], t0);
    const grown = await kinds();
    expect('long envelopes' in grown).toBe(apart);
    expect(grown.jobs).toBeLessThan((small.jobs ?? 0) + 100);
    expect((await storage.jobs.get([idOf(1)]))[0]?.envelope).toBe(envelope);
  }
});
