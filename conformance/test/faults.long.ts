import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { faults } from '../faults/index.ts';
import { startWithFault, storageOf } from '../faults/start.ts';
import { failuresOf, loadSuite, runSuites } from '../src/index.ts';

const cases = fileURLToPath(new URL('../cases', import.meta.url));
const suite = await loadSuite(cases);

/** Faulty servers at once. With more of them a case about times would tell of the machine's load instead of the fault. */
const atOnce = 2;
const turns: Promise<unknown>[] = Array.from({ length: atOnce }, () => Promise.resolve());

/** Runs the work in the turn of one of the servers, each after the one before. */
function inTurn(index: number, work: () => Promise<void>): Promise<void> {
  const lane = index % atOnce;
  const turn = (turns[lane] ?? Promise.resolve()).then(work);
  turns[lane] = turn.catch(() => {});
  return turn;
}

test('without a fault every case passes', async () => {
  await using server = await startWithFault(null);
  const report = await runSuites({ url: server.url, folders: [cases], reset: true, parallel: 8 });
  expect(report.failed, failuresOf(report)).toBe(0);
  expect(report.passed).toBe(suite.cases.length);
});

for (const [index, fault] of faults.entries()) {
  test(`${fault.name} (${fault.rule})`, { concurrent: true, skip: storageOf(fault) === null }, () =>
    inTurn(index, async () => {
      await using server = await startWithFault(fault);
      for (const id of fault.cases) {
        const report = await runSuites({ url: server.url, folders: [cases], reset: false, filter: id });
        expect(report.cases.map((one) => one.id)).toEqual([id]);
        expect(report.failed, `${id} passed although ${fault.file} has the fault`).toBe(1);
      }
    }),
  );
}
