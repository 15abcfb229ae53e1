import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { simulate } from './child.ts';

// Shorter worlds than those of a hunt.
const short = ['--chaos-ms', '20000', '--quiet'];

test('50 seeds break no rule', async () => {
  const { status, output } = await simulate('--seeds', '50', ...short);
  expect({ status, output }).toMatchObject({ status: 0, output: expect.stringContaining('50 seeds, 0 failed') });
  const faults = /^faults: (.*)$/m.exec(output)?.[1] ?? '';
  for (const kind of ['answer lost', 'item 409', 'server crashed', 'worker crashed', 'claim expired', 'store stalled'])
    expect(faults).toContain(kind);
});

test('a seed has the same hash twice, on memory and on SQLite', async () => {
  const memory = await simulate('--seed', '3', '--twice', ...short);
  expect(memory).toMatchObject({ status: 0 });
  const sqlite = await simulate('--seed', '3', '--twice', '--storage', 'sqlite:', '--chaos-ms', '8000', '--quiet');
  expect(sqlite).toMatchObject({ status: 0 });
});

test('a planted bug is found', async () => {
  const found = await simulate('--bug', 'simulation/ack-becomes-nack', '--seeds', '40', '--until-failure', ...short);
  expect(found).toMatchObject({ status: 1, output: expect.stringContaining('with simulation/ack-becomes-nack') });
});

const folder = resolve(import.meta.dirname, 'cases');
const cases = globSync('*.json', { cwd: folder }).map((file) => {
  const { bug }: { bug?: string } = JSON.parse(readFileSync(resolve(folder, file), 'utf8'));
  return { file, bug };
});

test('no case breaks a rule without its planted bug', async () => {
  const all = cases.flatMap(({ file }) => ['--case', resolve(folder, file)]);
  expect(await simulate(...all, '--quiet')).toMatchObject({ status: 0 });
});

test.each(cases.filter(({ bug }) => bug !== undefined))(
  '$file breaks a rule with the bug that it was shrunk from',
  async ({ file, bug = '' }) => {
    expect(await simulate('--case', resolve(folder, file), '--bug', bug, '--quiet')).toMatchObject({ status: 1 });
  },
);
