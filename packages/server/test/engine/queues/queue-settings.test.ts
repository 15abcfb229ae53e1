import { systemClock } from '@ojs-ts/core';
import { expect, test } from 'vitest';
import { silentLog } from '../../../src/engine/options.ts';
import { QueueSettings } from '../../../src/engine/queues/queue-settings.ts';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import { insert, newJob } from '../../storage/suite/tools.ts';

/** A storage whose list of queues, read at once, is handed over when the test says so. */
async function open() {
  const storage = memoryStorage();
  await storage.migrate();
  const held: (() => void)[] = [];
  let holds = false;
  const registry: typeof storage.registry = {
    ...storage.registry,
    async queues(which) {
      const found = await storage.registry.queues(which);
      if (holds) await new Promise<void>((resolve) => held.push(resolve));
      return found;
    },
  };
  const settings = new QueueSettings({ ...storage, registry }, systemClock(), silentLog);
  return { storage, settings, held, hold: (on: boolean) => (holds = on) };
}

const job = [{ queue: 'default' }];

test('the pressure after a push counts that push, though another call was just reading (ojs-backpressure 7.3)', async () => {
  const { storage, settings, held, hold } = await open();
  await settings.configure('default', { maxDepth: 2, strategy: 'warn', warningThreshold: 0 });
  await settings.pressure(job);
  hold(true);
  await insert(storage, [newJob(1)]);
  const first = settings.pressure(job);
  await expect.poll(() => held.length).toBe(1);
  await insert(storage, [newJob(2)]);
  const second = settings.pressure(job);
  hold(false);
  held[0]?.();
  expect(await first).toMatchObject({ depth: 1 });
  expect(await second).toMatchObject({ depth: 2 });
});

test('a bound that is set while queues are being read holds from the next push on', async () => {
  const { storage, settings, held, hold } = await open();
  hold(true);
  const before = settings.pressure(job);
  await expect.poll(() => held.length).toBe(1);
  hold(false);
  await settings.configure('default', { maxDepth: 2, strategy: 'warn', warningThreshold: 0 });
  held[0]?.();
  expect(await before).toBeNull();
  await insert(storage, [newJob(1)]);
  expect(await settings.pressure(job)).toMatchObject({ depth: 1, bound: 2 });
});
