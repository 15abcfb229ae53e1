// Adds up vitest's JSON reports and ends with the plain line `N passed, N failed` (`, N skipped`) that a CI system
// reads.
import { readFileSync } from 'node:fs';

let passed = 0;
let failed = 0;
let skipped = 0;
let leftOut = 0;
for (const file of process.argv.slice(2)) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    passed += report.numPassedTests;
    failed += report.numFailedTests + (report.success ? 0 : report.numFailedTests === 0 ? 1 : 0);
    // Told again at the end, where who reads only the end of a long log finds it.
    for (const { name, status, message, assertionResults } of report.testResults) {
      const broken = assertionResults.filter((test) => test.status === 'failed');
      for (const test of assertionResults.filter((test) => test.status !== 'failed' && test.status !== 'passed')) {
        // These say what only some machines have; .ci/run sees to all else.
        if (test.title.startsWith('left out: ')) leftOut++;
        else skipped++;
        console.error(`skipped: ${name}: ${test.fullName}`);
      }
      for (const { fullName, failureMessages } of broken)
        console.error(`failed: ${name}: ${fullName}\n${failureMessages.join('\n')}`);
      if (status === 'failed' && broken.length === 0) console.error(`failed: ${name}\n${message}`);
    }
  } catch (error) {
    console.error(`no report of a test run: ${error instanceof Error ? error.message : error}`);
    failed++;
  }
}
if (skipped > 0) console.error(`${skipped} tests were skipped; in CI a skip is a failure`);
console.log(`${passed} passed, ${failed + skipped} failed${leftOut > 0 ? `, ${leftOut} skipped` : ''}`);
process.exit(failed + skipped === 0 && passed > 0 ? 0 : 1);
