import type { Grant } from '@ojs-ts/core/access';
import { ok } from '@ojs-ts/core/requests';
import { expect, test } from 'vitest';
import { SharedAnswers } from '../../src/binding/shared-answers.ts';
import { Turns } from '../../src/engine/turns.ts';

/** Callers of one second, and what each was answered. */
function asking() {
  const shared = new SharedAnswers(new Turns());
  let made = 0;
  const make = async () => {
    made++;
    return ok(String(made));
  };
  return async (count: number, now: number, grant?: Grant): Promise<readonly number[]> => {
    const request = { params: {}, query: {}, ...(grant && { grant }) };
    const asked = Array.from({ length: count }, () => shared.get('admin.queues', request, make, now));
    return (await Promise.all(asked)).map(({ text }) => Number(text));
  };
}

test('few callers get an answer of their own each, also in the next second', async () => {
  const ask = asking();
  expect(new Set(await ask(20, 0)).size).toBe(20);
  expect(new Set(await ask(20, 1_000)).size).toBe(20);
});

test('many callers share an answer for a second, and it is made again in the next', async () => {
  const ask = asking();
  expect(new Set(await ask(100, 0)).size).toBe(21);
  expect(new Set(await ask(100, 999)).size).toBe(1);
  expect(await ask(2, 1_000)).toEqual([22, 22]);
  expect(new Set(await ask(20, 2_000)).size).toBe(20);
});

test('callers with other rights get other answers', async () => {
  const ask = asking();
  const [viewer] = (await ask(30, 0, { roles: ['viewer'], queues: ['mail'] })).slice(-1);
  expect(await ask(1, 0, { roles: ['viewer'], queues: ['*'] })).not.toContain(viewer);
  expect(await ask(1, 0, { roles: ['viewer'], queues: ['mail'] })).toEqual([viewer]);
});

test('an error is not shared', async () => {
  const shared = new SharedAnswers(new Turns());
  const request = { params: {}, query: {} };
  let fails = true;
  const make = async () => {
    if (fails) throw new Error('the store is away');
    return ok('{}');
  };
  const asked = () => Promise.resolve(shared.get('admin.stats', request, make, 0)).catch(() => null);
  expect(await Promise.all(Array.from({ length: 30 }, asked))).toEqual(Array(30).fill(null));
  fails = false;
  expect(await asked()).toEqual(ok('{}'));
});
