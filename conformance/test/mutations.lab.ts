import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { storages, type TestStorage } from '../../packages/server/test/support/storages.ts';
import { mutations } from '../mutations/index.ts';
import { locate } from '../mutations/locate.ts';
import type { Mutation } from '../mutations/mutation.ts';
import { startMutant } from '../mutations/start.ts';
import { loadSuite, runSuites } from '../src/index.ts';
import { runPatiently } from './patient.ts';

const cases = fileURLToPath(new URL('../cases', import.meta.url));
const suite = await loadSuite(cases);
const folderOf = new Map(suite.cases.map(({ id, file }) => [id, dirname(file)]));

/** The storage whose code the mutation changes, else memory. Undefined where this machine does not have it. */
function storageOf(mutation: Mutation): TestStorage | undefined {
  const { file } = locate(mutation);
  const name = file.endsWith('.lua') ? 'redis' : (/\/(sqlite|postgres|redis)\//.exec(file)?.[1] ?? 'memory');
  return storages.find((storage) => storage.name === name);
}

async function everyCasePasses(parallel: number): Promise<void> {
  await using server = await startMutant(null);
  const { report, failures } = await runPatiently({ url: server.url, folders: [cases], reset: true, parallel });
  expect(failures).toBe('');
  expect(report.cases).toHaveLength(suite.cases.length);
}

test('without a mutation every case passes', () => everyCasePasses(8));

// A case about times may fail because the other servers keep the machine busy. It then has further tries by itself, and
// the log names it: a mutation that only such a case finds may have been found by chance.
test('without a mutation every case passes beside the mutants', { concurrent: true }, () => everyCasePasses(4));

// As many at once as the project's `maxConcurrency` says. A busy machine can make up for a delay that a mutation made
// too short, so each test has three tries.
for (const mutation of mutations) {
  const storage = storageOf(mutation);
  test(`${mutation.name} (${mutation.rule})`, { concurrent: true, retry: 2, skip: !storage }, async () => {
    await using server = await startMutant(mutation, storage?.url());
    for (const id of mutation.cases) {
      const report = await runSuites({
        url: server.url,
        folders: [folderOf.get(id) ?? cases],
        reset: false,
        filter: id,
      });
      expect(report.cases.map((one) => one.id)).toEqual([id]);
      expect(report.failed, `${id} passed although ${mutation.in} has the mutation`).toBe(1);
    }
  });
}
