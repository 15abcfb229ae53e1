import { expect, test } from 'vitest';
import { Turns } from '../../src/engine/turns.ts';

/** Blocks the thread for so many milliseconds: what a turn costs is the subject here. */
function work(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test('other work of the event loop has its turn between callers that take long, and none is forgotten', async () => {
  const turns = new Turns();
  const seen: string[] = [];
  const callers = [1, 2, 3].map(async (number) => {
    await turns.next();
    seen.push(`caller ${number}`);
    setImmediate(() => seen.push(`other work ${number}`));
    work(2);
  });
  await Promise.all(callers);
  expect(seen).toEqual(['caller 1', 'other work 1', 'caller 2', 'other work 2', 'caller 3']);
});

test('callers that take no time share a round', async () => {
  const turns = new Turns();
  const seen: number[] = [];
  let rounds = 0;
  const callers = Array.from({ length: 20 }, async (_, number) => {
    await turns.next();
    seen.push(number);
  });
  const count = () => {
    rounds++;
    if (seen.length < 20) setImmediate(count);
  };
  setImmediate(count);
  await Promise.all(callers);
  expect(seen).toEqual(Array.from({ length: 20 }, (_, number) => number));
  expect(rounds).toBeLessThan(20);
});
