import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { fields, operatorsOf } from '../../src/query/fields.ts';
import {
  describePlan,
  formatQuery,
  maxQueryLength,
  maxQueryNesting,
  maxQuerySteps,
  maxQueryValues,
  parseQuery,
  planOf,
} from '../../src/query/index.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../../../docs/reference/query.md'), 'utf8');

test('docs/reference/query.md lists every field with its other names and operators', () => {
  const [, section = ''] = /^## Fields$([\s\S]*?)^\*\*States/m.exec(page) ?? [];
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  const listed = rows.map((row) => {
    const [, name = [], aliases, operators] = row
      .split('|')
      .map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code));
    return [name[0], aliases, operators];
  });
  expect(listed).toEqual(Object.entries(fields).map(([name, { kind, aliases }]) => [name, aliases, operatorsOf[kind]]));
});

test('docs/reference/query.md has queries that can be read, with the plans that it says', () => {
  const examples = [...page.matchAll(/^```text\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) =>
    block.trim().split('\n'),
  );
  expect(examples.length).toBeGreaterThan(6);
  for (const example of examples) expect(formatQuery(parseQuery(example))).not.toBe('');
  const plans = [...page.matchAll(/^\| `([^`]+)` \| `((?:index|none):[^`]+)` \|$/gm)];
  expect(plans.length).toBeGreaterThan(3);
  for (const [, query = '', plan] of plans) expect(describePlan(planOf(parseQuery(query), 0))).toBe(plan);
});

test('docs/reference/query.md has the bounds', () => {
  for (const bound of [maxQueryLength, maxQueryValues, maxQueryNesting, maxQuerySteps])
    expect(page).toContain(` ${bound.toLocaleString('en-US')} `);
});
