import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { tasks } from '../../dashboard/tasks.ts';
import { type Contest, peerNames, type Tried } from '../src/dashboards/outcome.ts';
import { comparisonPage } from '../src/dashboards/report.ts';
import { ways } from '../src/dashboards/ways.ts';
import { figuresFile, type Kept, Ledger, type Origin } from '../src/ledger.ts';

test.each(peerNames)('%s has a way or a reason for each task', (name) => {
  expect(Object.keys(ways[name]).toSorted()).toEqual(tasks.map((task) => task.name).toSorted());
});

test('the comparison in the documentation is made of the figures that are kept', () => {
  const { figures } = new Ledger<Contest>(figuresFile('dashboards'), '');
  const page = readFileSync(new URL('../../docs/dashboards.md', import.meta.url), 'utf8');
  expect(page).toBe(comparisonPage(Object.values(figures)));
});

describe('the comparison', () => {
  const [one = '', two = '', three = ''] = tasks.map((task) => task.name);
  const origin: Origin = { commit: '0123abcd', day: '2026-01-31', machine: 'A machine', busy: false, command: 'x' };
  const tried = (actions: number, seconds: number, problem: string | null = null): Tried => ({
    ...{ kind: 'tried', seconds, problem },
    actions: Array.from({ length: actions }, () => 'A click'),
  });
  const contest = (name: Contest['name'], outcomes: Contest['outcomes']): Kept<Contest> => ({
    ...{ name, versions: name === 'ojs-ts' ? {} : { its: '1.2.3' }, jobs: 1_000, outcomes, origin },
  });
  const page = comparisonPage([
    contest('bull-board', { [one]: tried(1, 1), [two]: tried(3, 0.6), [three]: { kind: 'cannot' } }),
    contest('ojs-ts', { [one]: tried(2, 1), [two]: tried(2, 1), [three]: tried(4, 2) }),
    contest('pg-boss', { [one]: tried(5, 2), [two]: tried(2, 0.5), [three]: tried(1, 65, 'timed out') }),
  ]);

  test('has a cell for each dashboard and task', () => {
    expect(page).toMatch(new RegExp(`\\| ${one} +\\| +2, 1.0 s \\| +1, 1.0 s \\| +5, 2.0 s \\|`));
    expect(page).toMatch(new RegExp(`\\| ${three} +\\| +4, 2.0 s \\| +no \\| failed after 65 s \\|`));
  });

  test('sums up what was done, and how much of it quickly', () => {
    expect(page).toMatch(/\| ojs-ts +\| this one +\| +3 of 3 \| +3 \|/);
    expect(page).toMatch(/\| pg-boss +\| `its` 1.2.3 \| +2 of 3 \| +1 \|/);
  });

  test('says where another one is ahead', () => {
    expect(page).toContain(`- ${one}: bull-board 1, 1.0 s; ours 2, 1.0 s.`);
    expect(page).toContain(`- ${two}: pg-boss 2, 0.5 s; ours 2, 1.0 s.`);
    expect(page).not.toContain(`- ${two}: bull-board`);
  });
});
