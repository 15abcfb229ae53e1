import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { clientNames } from '../../src/client/client.ts';
import { workerNames } from '../../src/worker/options.ts';

/** The options that the tables of a page list, and those in its text. */
function namesIn(page: string): readonly string[] {
  const text = readFileSync(new URL(`../../../../docs/reference/${page}.md`, import.meta.url), 'utf8');
  return [...text.matchAll(/`(\w+)(?:\.\w+)?`/g)].map(([, name = '']) => name);
}

test('the reference of client and worker lists every option', () => {
  const client = namesIn('client');
  const worker = namesIn('worker');
  expect(Object.keys(clientNames).filter((name) => !client.includes(name))).toEqual([]);
  expect(Object.keys(workerNames).filter((name) => !(name in clientNames || worker.includes(name)))).toEqual([]);
});
