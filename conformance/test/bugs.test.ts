import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { passedWith } from '../../lab/bugs/src/hunt.ts';
import { findBug } from '../../lab/bugs/src/index.ts';
import { exportOf } from '../../lab/bugs/src/names.ts';
import { lua } from '../../lab/bugs/src/plant.ts';
import * as states from '../../packages/core/src/job/states.ts';
import { sections } from '../rules/index.ts';
import { loadSuite } from '../src/index.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

test('each bug finds what it changes; each case of ours and each rule with cases has a bug', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [at('../../lab/bugs/src/check.ts')]);
  const { problems, cases }: { problems: string[]; cases: string[] } = JSON.parse(stdout);
  expect(problems).toEqual([]);
  const ids = (await loadSuite(at('../cases'))).cases.map(({ id }) => id);
  const named = new Set(cases);
  expect(ids.filter((id) => !named.has(id))).toEqual([]);
  expect(cases.filter((id) => !ids.includes(id))).toEqual([]);
  const rules = sections.flatMap((section) => section.rules).filter((rule) => rule.cases.length > 0);
  expect(rules.filter((rule) => !rule.cases.some((id) => named.has(id)))).toEqual([]);
});

test('an unknown bug, export, Lua module or Lua function is an error with the nearest name', async () => {
  await expect(findBug('cases/no-fenc')).rejects.toThrow('cases/no-fenc is no bug. Did you mean no-fence?');
  await expect(findBug('case/no-fence')).rejects.toThrow('expected one of cases, simulation, power');
  expect(() => exportOf(states, 'mayMov')).toThrow('mayMov is no export. Did you mean mayMove?');
  expect(lua('ops/clam', 'function serve() end')).toThrow('There is no Lua module ops/clam. Did you mean ops/claim?');
  expect(lua('ops/claim', 'function serv() end')).toThrow('ops/claim.lua has no function serv. Did you mean serve?');
});

test('a server with a bug fails the cases that the bug names, and passes others', async () => {
  expect(await passedWith(['no-fence', 'no-quirk'])).toEqual(
    new Map([
      ['no-fence', []],
      ['no-quirk', []],
    ]),
  );
});
