import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { faults } from '../faults/index.ts';
import { startWithFault } from '../faults/start.ts';
import { failuresOf, loadSuite, runSuites } from '../src/index.ts';

const cases = fileURLToPath(new URL('../cases', import.meta.url));
const suite = await loadSuite(cases);

test('without a fault every case passes', async () => {
  await using server = await startWithFault(null);
  const report = await runSuites({ url: server.url, folders: [cases], reset: true, parallel: 8 });
  expect(report.failed, failuresOf(report)).toBe(0);
  expect(report.passed).toBe(suite.cases.length);
});

for (const fault of faults) {
  test(`${fault.name} (${fault.rule})`, async () => {
    await using server = await startWithFault(fault);
    for (const id of fault.cases) {
      const report = await runSuites({ url: server.url, folders: [cases], reset: false, filter: id });
      expect(report.cases.map((one) => one.id)).toEqual([id]);
      expect(report.failed, `${id} passed although ${fault.file} has the fault`).toBe(1);
    }
  });
}
