import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { applyFault } from '../faults/fault.ts';
import { faults } from '../faults/index.ts';
import { startWithFault } from '../faults/start.ts';
import { loadSuite, runSuites } from '../src/index.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const cases = at('../cases');

test('every fault still fits the source that it breaks', async () => {
  expect(faults.length).toBeGreaterThanOrEqual(480);
  expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length);
  const stale: string[] = [];
  for (const fault of faults) {
    const source = await readFile(at(`../../${fault.file}`), 'utf8');
    try {
      expect(applyFault(fault, source), fault.name).not.toBe(source);
    } catch (error) {
      stale.push(String(error));
    }
  }
  expect(stale).toEqual([]);
});

test('every case of ours is turned red by a fault, and every fault names cases that exist', async () => {
  const ids = (await loadSuite(cases)).cases.map(({ id }) => id);
  const named = new Set(faults.flatMap((fault) => fault.cases));
  expect(ids.filter((id) => !named.has(id))).toEqual([]);
  expect([...named].filter((id) => !ids.includes(id))).toEqual([]);
  expect(faults.filter((fault) => fault.cases.length === 0).map(({ name }) => name)).toEqual([]);
});

test('a fault that does not occur exactly once is refused', () => {
  const fault = { name: 'f', file: 'a.ts', find: 'one', replace: 'two $&' };
  expect(applyFault(fault, 'x one y')).toBe('x two $& y');
  expect(() => applyFault(fault, 'x y')).toThrow('fault f: "one" occurs 0 times in a.ts, not once');
  expect(() => applyFault(fault, 'one one')).toThrow('occurs 2 times');
});

test('the hook rewrites one file of a program and refuses a name that it does not know', async () => {
  const program = `import { State, mayMove } from '${new URL('../../packages/core/src/states.ts', import.meta.url).href}'; console.log(mayMove(State.retryable, State.cancelled));`;
  const run = (fault: string | undefined) =>
    new Promise<string>((resolve) => {
      const { OJS_FAULT: _, ...env } = process.env;
      const options = { env: fault === undefined ? env : { ...env, OJS_FAULT: fault } };
      execFile(
        process.execPath,
        ['--import', at('../faults/hook.ts'), '--input-type=module', '--eval', program],
        options,
        (_error, out, err) => resolve(out + err),
      );
    });
  expect((await run(undefined)).trim()).toBe('true');
  expect((await run('no-cancel-of-retryable')).trim()).toBe('false');
  expect(await run('nonsense')).toContain('OJS_FAULT is nonsense, which is no fault of the list');
  expect(await run('no-fence')).toContain(
    'fault no-fence: packages/server/src/binding/settlements.ts was never loaded',
  );
});

test('a server with a fault fails the case that the fault names, one without it passes', async () => {
  const noFence = faults.find(({ name }) => name === 'no-fence');
  expect(noFence).toBeDefined();
  for (const [fault, failed] of [
    [null, 0],
    [noFence ?? null, 1],
  ] as const) {
    await using server = await startWithFault(fault);
    const report = await runSuites({ url: server.url, folders: [cases], reset: false, filter: 'OJS-L1-OWN-002' });
    expect(report.cases).toHaveLength(1);
    expect(report.failed).toBe(failed);
  }
});
