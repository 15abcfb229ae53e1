import { State } from '@ojs-ts/core/job';
import { expect, test, vi } from 'vitest';
import { bench } from '../../support/engine.ts';

test('a caller that waits for many due jobs runs the upkeep once, not once for each of them', async () => {
  await using b = await bench('memory:');
  const runAt = b.clock.now() + 1_000;
  const ids = await Promise.all(Array.from({ length: 50 }, () => b.push({ state: State.scheduled, runAt })));
  b.clock.advance(2_000);
  const promote = vi.spyOn(b.engine.storage.upkeep, 'promote');
  const left = new AbortController();
  left.abort();
  await b.engine.jobEnds.waitAny(ids, 60_000, left.signal);
  expect(await b.get(ids[7] ?? '')).toMatchObject({ state: State.available });
  expect(promote.mock.calls.length).toBeLessThan(5);
});
