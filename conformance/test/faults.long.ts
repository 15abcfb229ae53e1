import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { faults } from '../faults/index.ts';
import { startWithFault, storageOf } from '../faults/start.ts';
import { failuresOf, loadSuite, runSuites } from '../src/index.ts';

const cases = fileURLToPath(new URL('../cases', import.meta.url));
const suite = await loadSuite(cases);
const folderOf = new Map(suite.cases.map(({ id, file }) => [id, dirname(file)]));

async function everyCasePasses(parallel: number): Promise<void> {
  await using server = await startWithFault(null);
  const report = await runSuites({ url: server.url, folders: [cases], reset: true, parallel });
  expect(report.failed, failuresOf(report)).toBe(0);
  expect(report.passed).toBe(suite.cases.length);
}

test('without a fault every case passes', () => everyCasePasses(8));

// A case about times could fail by the load of the other servers instead of its fault: then it fails here too, where
// nothing else can be the reason.
test('without a fault every case passes beside the faulty servers', { concurrent: true }, () => everyCasePasses(4));

// As many at once as the project's `maxConcurrency` says. A busy machine may make up for a delay that a fault made too
// short, so there are three tries.
for (const fault of faults) {
  test(`${fault.name} (${fault.rule})`, { concurrent: true, retry: 2, skip: storageOf(fault) === null }, async () => {
    await using server = await startWithFault(fault);
    for (const id of fault.cases) {
      const report = await runSuites({
        url: server.url,
        folders: [folderOf.get(id) ?? cases],
        reset: false,
        filter: id,
      });
      expect(report.cases.map((one) => one.id)).toEqual([id]);
      expect(report.failed, `${id} passed although ${fault.file} has the fault`).toBe(1);
    }
  });
}
