import { expect, test } from 'vitest';
import { checkout } from '../src/child.ts';
import { attacks } from '../src/hostile/attacks.ts';
import { hostile } from '../src/hostile/run.ts';

// By hand, with the figures: npm run bench -- hostile --storage URL
test.each(attacks)('a server with a heap of 256 MiB lives through $name', async (attack) => {
  const run = await hostile(attack, { storage: 'sqlite:', heap: 256, seconds: 10, server: checkout });
  expect(run, JSON.stringify(run.statuses)).toMatchObject({ ended: false });
  expect(run.enqueue.length).toBeGreaterThan(0);
  expect(Object.values(run.statuses).flatMap((counts) => Object.keys(counts))).not.toContain('500');
});
