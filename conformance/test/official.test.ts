import { startServer } from '@ojs-ts/server';
import { expect, test } from 'vitest';
import { sharedCases } from '../../packages/core/test/support/shared.ts';
import { storages } from '../../packages/server/test/support/storages.ts';
import { runPatiently } from './patient.ts';

const suites = sharedCases('official conformance cases', 'OJS_SUITES', 'conformance/suites');

if (suites !== null) {
  // Cases of level 2 wait for a cron that runs every minute. Run first and in parallel, they take that minute once.
  for (const level of [2, 1, 3, 0, 4]) {
    for (const { name, url } of storages) {
      test.concurrent(`official cases of level ${level} on ${name}`, { timeout: 600_000 }, async () => {
        await using server = await startServer({
          storage: url(),
          host: '127.0.0.1',
          port: 0,
          testMode: true,
          log: false,
        });
        const { report, failures } = await runPatiently({ url: server.url, folders: [suites], reset: true, level });
        expect(report.cases.length).toBeGreaterThan(0);
        expect(failures).toBe('');
      });
    }
  }
}
