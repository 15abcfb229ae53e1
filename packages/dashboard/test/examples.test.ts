import { readFileSync } from 'node:fs';
import { startServer } from '@ojs-ts/server';
import { expect, test } from 'vitest';
import { layOut } from '../app/json/layout.ts';
import { examples } from '../app/pages/playground/examples.ts';

test('a server accepts every example', async () => {
  await using server = await startServer({ storage: 'memory:', port: 0, log: false });
  for (const [kind, route] of [
    ['job', 'jobs'],
    ['workflow', 'workflows'],
    ['cron', 'cron'],
  ] as const) {
    expect(examples[kind].length).toBeGreaterThan(2);
    for (const { name, text } of examples[kind]) {
      const response = await fetch(`${server.url}/ojs/v1/${route}`, { method: 'POST', body: Buffer.from(text) });
      expect(response.status, `${name}: ${await response.text()}`).toBe(201);
      expect(JSON.parse(layOut(text)), name).toEqual(JSON.parse(text));
    }
  }
});

test('the quickstart worker has a handler for every example', () => {
  const quickstart = readFileSync(new URL('../../../examples/quickstart/main.ts', import.meta.url), 'utf8');
  const known = [...quickstart.matchAll(/worker\.register\(\s*'([^']+)'/g)].map((match) => match[1]);
  const used = Object.values(examples)
    .flat()
    .flatMap(({ text }) => [...text.matchAll(/"type": "([^"]+)"/g)].map((match) => match[1]))
    .filter((type) => !['chain', 'group', 'batch'].includes(type ?? ''));
  expect(used.length).toBeGreaterThan(10);
  expect(used.filter((type) => !known.includes(type))).toEqual([]);
});
