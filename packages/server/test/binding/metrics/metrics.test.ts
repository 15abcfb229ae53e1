import { expect, test } from 'vitest';
import { Binding } from '../../../src/binding/binding.ts';
import { bench, newJob } from '../../support/engine.ts';

const minute = 60_000;

test('a scrape of many series lets others have their turn: between two reads, and between two pieces of the text', async () => {
  await using b = await bench('memory:');
  const { registry, jobs } = b.engine.storage;
  for (let round = 0; round < 8; round++) {
    const now = b.clock.now();
    await jobs.insert(
      Array.from({ length: 480 }, (_, n) => [newJob(now, { queue: `q${n % 20}`, type: `a.type-${n}` })]),
      now,
    );
    b.clock.advance(minute);
  }
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const reads: { readonly turn: number; readonly count: number }[] = [];
  const statistics = registry.statistics.bind(registry);
  registry.statistics = async (since, until) => {
    const found = await statistics(since, until);
    reads.push({ turn: turns, count: found.length });
    return found;
  };
  const binding = new Binding(b.engine, { version: '0', source: 'ojs://test', testMode: false }, () => {});
  const request = { params: {}, query: {}, body: undefined, requestId: 'r', key: null };
  const reply = await binding.call('system.metrics', request);
  const written = turns;
  let { text } = reply;
  for await (const chunk of reply.chunks ?? []) text += chunk;
  isOver = true;
  expect(text.match(/^ojs_job_enqueued_total{/gm)).toHaveLength(480);
  for (const { count } of reads) expect(count).toBeLessThanOrEqual(2_000);
  expect(reads.length).toBeGreaterThan(2);
  expect(new Set(reads.map(({ turn }) => turn)).size).toBe(reads.length);
  const pieces = Math.floor(text.length / 66_000);
  expect(pieces).toBeGreaterThan(1);
  expect(written - (reads.at(-1)?.turn ?? 0)).toBeGreaterThanOrEqual(pieces);
});
