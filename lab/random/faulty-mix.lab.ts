import { expect, test } from 'vitest';
import { mix } from '../../packages/server/test/engine/faulty-mix.ts';
import { storages } from '../../packages/server/test/support/storages.ts';

const limitMs = 20_000;
/** The others fail in the simulation, by far more seeds. */
const real = storages.filter(({ name }) => name === 'postgres' || name === 'redis');

test.each(real)('the mix on a storage that fails, by many seeds for 20 s, $name', async ({ name, url }) => {
  const until = performance.now() + limitMs;
  let failed = 0;
  let seed = 0;
  for (; seed < 2 || (performance.now() < until && seed < 500); seed++) {
    const every = 2 + (seed % 9);
    // A pass over the workflows reads each of them: where calls fail often, so do most passes over many.
    const play = { seed, every, size: 10 * (every - 1) };
    const { flaws, faults } = await mix(url(), play);
    expect(flaws, JSON.stringify(play)).toEqual([]);
    failed += faults;
  }
  console.log(`${name}: ${seed} mixes, ${failed} calls of engines failed`);
});
