import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/engine/queues/queue-settings.ts';
import { type Bench, bench } from '../support/engine.ts';
import { storages } from '../support/storages.ts';

/** What two people do at once; each change must be there afterwards. */
async function atOnce(...changes: readonly Promise<unknown>[]): Promise<void> {
  await Promise.all(changes);
}

const cron = JSON.stringify({ name: 'report', cron: '@daily', type: 'a.b' });
const specOf = async (b: Bench) =>
  JSON.parse((await b.engine.crons.get('report')).spec) as Readonly<Record<string, unknown>>;

describe.each(storages)('two operators at once, $name', ({ url }) => {
  test('both changes of a queue are kept, and its limit is that of its configuration', async () => {
    await using b = await bench(url());
    const { queueSettings, storage } = b.engine;
    for (let round = 1; round <= 20; round++) {
      await atOnce(
        queueSettings.configure('q', { concurrency: round }),
        queueSettings.configure('q', { maxDepth: 100 + round }),
        queueSettings.configure('q', { warningThreshold: round / 100 }),
      );
      const record = await queueSettings.find('q');
      expect(readConfig(record?.config ?? '{}')).toEqual({
        concurrency: round,
        maxDepth: 100 + round,
        warningThreshold: round / 100,
      });
      expect(record?.capacity).toBe(100 + round);
      expect((await storage.registry.limit('queue:q'))?.override).toEqual({ concurrency: round, rates: [] });
    }
  });

  test('after the end of an override the current configuration applies', async () => {
    await using b = await bench(url());
    const { queueSettings, limitOverrides, storage } = b.engine;
    for (let round = 1; round <= 20; round++) {
      await queueSettings.configure('q', { concurrency: round });
      await limitOverrides.set('queue:q', { concurrency: 0, rates: [] }, null);
      await atOnce(limitOverrides.restore('queue:q'), queueSettings.configure('q', { concurrency: 100 + round }));
      expect((await storage.registry.limit('queue:q'))?.override).toEqual({ concurrency: 100 + round, rates: [] });
    }
  });

  test('both changes of a cron are kept: one disables it, the other gives it another time', async () => {
    await using b = await bench(url());
    for (let round = 0; round < 20; round++) {
      await b.engine.crons.register(cron, async () => {});
      await b.engine.crons.enable('report', true);
      const expression = `${round} 4 * * *`;
      await atOnce(
        (async () => b.engine.crons.enable('report', false))(),
        (async () => b.engine.crons.change('report', JSON.stringify({ expression }), null, () => {}))(),
      );
      expect([(await b.engine.crons.get('report')).enabled, await specOf(b)]).toMatchObject([false, { expression }]);
    }
  });
});
