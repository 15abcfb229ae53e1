import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { mutations } from '../mutations/index.ts';
import { locate } from '../mutations/locate.ts';
import { applyMutation } from '../mutations/mutation.ts';
import { startMutant } from '../mutations/start.ts';
import { sections } from '../rules/index.ts';
import { loadSuite, runSuites } from '../src/index.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const cases = at('../cases');

test('every mutation fits the function that it changes', () => {
  expect(mutations.length).toBeGreaterThanOrEqual(240);
  expect(new Set(mutations.map(({ name }) => name)).size).toBe(mutations.length);
  const stale: string[] = [];
  for (const mutation of mutations) {
    try {
      const { find, replace } = locate(mutation);
      expect(replace, mutation.name).not.toBe(find);
    } catch (error) {
      stale.push(String(error));
    }
  }
  expect(stale).toEqual([]);
});

test('each case of ours and each rule with cases has a mutation; each mutation names cases that exist', async () => {
  const ids = (await loadSuite(cases)).cases.map(({ id }) => id);
  const named = new Set(mutations.flatMap((mutation) => mutation.cases));
  expect(ids.filter((id) => !named.has(id))).toEqual([]);
  expect([...named].filter((id) => !ids.includes(id))).toEqual([]);
  expect(mutations.filter((mutation) => mutation.cases.length === 0).map(({ name }) => name)).toEqual([]);
  const rules = sections.flatMap((section) => section.rules).filter((rule) => rule.cases.length > 0);
  expect(rules.filter((rule) => !rule.cases.some((id) => named.has(id)))).toEqual([]);
});

test('a mutation that no longer fits reports the expected place and text, and where the text is now', () => {
  const wrong = (place: 'core: isIn' | 'core: isInn' | 'core/cron: isIn', find: string) => () =>
    locate({ name: 'm', in: place, find, replace: '' });
  expect(wrong('core: isIn', 'export')).not.toThrow();
  expect(wrong('core: isInn', 'export')).toThrow(
    'mutation m: core: isInn is no function, method or constant. Did you mean isIn?',
  );
  expect(wrong('core/cron: isIn', 'export')).toThrow('core/cron: isIn is no function');
  expect(wrong('core: isIn', 'state')).toThrow(
    /mutation m: "state" occurs \d times in isIn \(packages\/core\/src\/.*\.ts\), not once\.$/,
  );
  expect(wrong('core: isIn', 'initialIntervalMs: 1000')).toThrow(
    /"initialIntervalMs: 1000" occurs 0 times in isIn \(.*\), not once\. It is in defaultRetry \(.*\)\.$/,
  );
});

test('an edit of a file that has changed since is refused', () => {
  const edit = { name: 'm', file: 'a.ts', start: 2, find: 'one', replace: 'two $&' };
  expect(applyMutation(edit, 'x one y')).toBe('x two $& y');
  expect(() => applyMutation(edit, 'xx one y')).toThrow('mutation m: a.ts has changed since it was read');
});

test('the hook changes one file of a program, and says when the program never loaded that file', async () => {
  const program = `import { State, mayMove } from '${new URL('../../packages/core/src/job/states.ts', import.meta.url).href}'; console.log(mayMove(State.retryable, State.cancelled));`;
  const run = (name: string | null) =>
    new Promise<string>((resolve) => {
      const { OJS_MUTATION: _, ...env } = process.env;
      const options = { env: name === null ? env : { ...env, OJS_MUTATION: JSON.stringify(locate(mutationOf(name))) } };
      execFile(
        process.execPath,
        ['--import', at('../mutations/hook.ts'), '--input-type=module', '--eval', program],
        options,
        (_error, out, err) => resolve(out + err),
      );
    });
  expect((await run(null)).trim()).toBe('true');
  expect((await run('no-cancel-of-retryable')).trim()).toBe('false');
  expect(await run('no-fence')).toMatch(/mutation no-fence: the program never loaded .*settlements\.ts/);
});

test('a server with a mutation fails the case that the mutation names, one without it passes', async () => {
  for (const [mutation, failed] of [
    [null, 0],
    [mutationOf('no-fence'), 1],
  ] as const) {
    await using server = await startMutant(mutation);
    const report = await runSuites({ url: server.url, folders: [cases], reset: false, filter: 'OJS-L1-OWN-003' });
    expect(report.cases).toHaveLength(1);
    expect(report.failed).toBe(failed);
  }
});

function mutationOf(name: string) {
  const mutation = mutations.find((one) => one.name === name);
  if (!mutation) throw new Error(`there is no mutation ${name}`);
  return mutation;
}
