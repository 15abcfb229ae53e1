import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { check } from '../src/index.ts';
import { History } from './history.ts';

/** What happens, which rules it breaks for which jobs, and the history. */
type Row = readonly [what: string, broken: readonly string[], history: History];

/**
 * histories.txt has a section for each rule. A row of it is a line that says what happens, and behind an arrow what is
 * broken, and a line with the calls of {@link History}.
 */
function readRows(): ReadonlyMap<string, readonly Row[]> {
  const rules = new Map<string, Row[]>();
  let rows: Row[] = [];
  const lines = readFileSync(new URL('histories.txt', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
  for (const [at, line] of lines.entries()) {
    if (line.startsWith('# ')) {
      rows = [];
      rules.set(line.slice(2), rows);
    } else if (!line.startsWith(' ')) {
      const [what = '', broken] = line.split(' => ');
      rows.push([what, broken?.split(', ') ?? [], historyOf(lines[at + 1] ?? '')]);
    }
  }
  return rules;
}

function historyOf(line: string): History {
  const history = new History();
  for (const [, name = '', args] of line.matchAll(/(\w+)\((.*?)\)(?= \w+\(|$)/g)) {
    const method: unknown = Reflect.get(history, name);
    if (typeof method !== 'function') throw new Error(`A history has no ${name}: ${line}`);
    Reflect.apply(method, history, JSON.parse(`[${args}]`));
  }
  return history;
}

const rules = readRows();

describe.each([...rules])('%s', (rule, rows) => {
  test.each(rows)('%s: %j', (_, broken, { records }) => {
    const { violations, judged } = check(records);
    expect(
      violations.map((violation) => [violation.rule, ...(violation.job ? [violation.job] : [])].join(' ')),
    ).toEqual(broken);
    expect(judged).toHaveProperty(rule);
  });

  test('has a history that breaks it and one that does not', () => {
    expect(rows.some(([, broken]) => broken.some((name) => name.startsWith(rule)))).toBe(true);
    expect(rows.some(([, broken]) => broken.length === 0)).toBe(true);
  });
});

test('every rule has its histories', () => {
  expect([...rules.keys()]).toEqual(Object.keys(check([]).judged));
});
