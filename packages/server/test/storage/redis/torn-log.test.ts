import { statSync, truncateSync } from 'node:fs';
import { Redis } from 'ioredis';
import { expect, test, vi } from 'vitest';
import { redisStorage } from '../../../src/storage/redis/redis.ts';
import { appendOnlyFile, findRedis, startRedis } from '../../support/redis.ts';
import { invariantErrors } from '../invariants.ts';
import { idOf, insert, newJob } from '../suite/tools.ts';
import { patiently } from './patiently.ts';

test.skipIf(findRedis() === null)(
  'a script of which a crash of Redis left half in its append-only file stays away after the next crash, too',
  async () => {
    await using instance = await startRedis({ appendonly: 'always' });
    await using storage = await redisStorage({ url: instance.url });
    await storage.migrate();
    await insert(storage, [newJob(1)]);
    const whole = statSync(appendOnlyFile(instance)).size;
    await insert(storage, [newJob(2), newJob(3)]);
    const file = appendOnlyFile(instance);
    const written = statSync(file).size;
    await instance.kill();
    // Within the last command but one of the script: before EXEC and one write.
    truncateSync(file, written - Math.round((written - whole) / 3));
    await instance.restart();
    await patiently(() => storage.ping());
    const admin = new Redis(instance.url);
    await vi.waitFor(async () => {
      const info = await admin.info('persistence');
      expect(info).toMatch(/^aof_rewrites:1\r/m);
      expect(info).toMatch(/^aof_rewrite_in_progress:0\r/m);
    }, 10_000);
    admin.disconnect();
    await insert(storage, [newJob(4)]);
    await instance.kill();
    await instance.restart();
    const found = await patiently(() => storage.jobs.get([1, 2, 3, 4].map(idOf)));
    expect(found.map((job) => job?.id ?? null)).toEqual([idOf(1), null, null, idOf(4)]);
    expect(await invariantErrors(storage)).toEqual([]);
  },
);
