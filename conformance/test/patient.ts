import { failuresOf, type Report, type RunOptions, runSuites } from '../src/index.ts';

/** A case that failed on a busy machine passes in one of so many further runs. A bug fails every run. */
const further = 4;

/**
 * Runs the cases, then runs each failed case again by itself: cases measure leases and delays of a second or less.
 * Returns the first report, and the failures of the cases that failed every time.
 */
export async function runPatiently(
  options: RunOptions,
): Promise<{ readonly report: Report; readonly failures: string }> {
  const report = await runSuites(options);
  let left = report.cases.filter(({ failures }) => failures.length > 0);
  for (let run = 0; run < further && left.length > 0; run++) {
    const again = [];
    for (const { file, id } of left) {
      // A bug that shows rarely would look the same, so the log names the case.
      console.warn(`${options.url}: ${id === '' ? file : id} failed and runs again`);
      const { cases } = await runSuites({ ...options, parallel: 1, filter: id === '' ? file : id });
      again.push(...cases.filter((one) => one.file === file && one.failures.length > 0));
    }
    left = again;
  }
  return { report, failures: failuresOf({ ...report, cases: left }) };
}
