import { expect, test } from 'vitest';
import { KeyedMutex } from '../../src/engine/keyed-mutex.ts';

test('work of one key runs in order, that of another beside it, and a failure holds up nobody', async () => {
  const mutex = new KeyedMutex();
  const begun: string[] = [];
  const gates = new Map(['a1', 'a2', 'b1'].map((name) => [name, Promise.withResolvers<string>()]));
  const work = (name: string) => () => {
    begun.push(name);
    return gates.get(name)?.promise;
  };
  const [first, second, other] = [mutex.run('a', work('a1')), mutex.run('a', work('a2')), mutex.run('b', work('b1'))];
  gates.get('b1')?.resolve('b');
  expect(await other).toBe('b');
  expect(begun).toEqual(['a1', 'b1']);
  expect([mutex.has('a'), mutex.has('b')]).toEqual([true, false]);
  gates.get('a1')?.reject(new Error('failed'));
  await expect(first).rejects.toThrow('failed');
  gates.get('a2')?.resolve('a');
  expect(await second).toBe('a');
  expect(begun).toEqual(['a1', 'b1', 'a2']);
  expect(mutex.has('a')).toBe(false);
});
