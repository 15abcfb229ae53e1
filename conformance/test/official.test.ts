import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from '@ojs-ts/server';
import { expect, test } from 'vitest';
import { storages } from '../../packages/server/test/support/storages.ts';
import { failuresOf, runSuites } from '../src/index.ts';

/** The official cases; `OJS_SUITES` names another folder. A missing folder is a failure: a check that is skipped checks nothing. */
const suites = resolve(process.env.OJS_SUITES ?? fileURLToPath(new URL('../../../shared/conformance/suites', import.meta.url)));

// Cases of level 2 wait for a cron that runs every minute; begun first and beside each other they cost that minute once.
for (const level of [2, 1, 3, 0, 4]) {
  for (const { name, url } of storages) {
    test.concurrent(`official cases of level ${level} on ${name}`, { timeout: 240_000 }, async () => {
      expect(existsSync(suites), `${suites} is missing; OJS_SUITES may name another folder`).toBe(true);
      await using server = await startServer({ storage: url(), host: '127.0.0.1', port: 0, testMode: true, log: false });
      const report = await runSuites({ url: server.url, folders: [suites], reset: true, level });
      expect(report.cases.length).toBeGreaterThan(0);
      expect(report.failed, failuresOf(report)).toBe(0);
    });
  }
}
