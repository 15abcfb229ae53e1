import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from '@ojs-ts/server';
import { expect, test } from 'vitest';
import { failuresOf, runSuites } from '../src/index.ts';

/** The official cases; `OJS_SUITES` names another folder. A missing folder is a failure: a check that is skipped checks nothing. */
const suites = resolve(process.env.OJS_SUITES ?? fileURLToPath(new URL('../../../shared/conformance/suites', import.meta.url)));

for (const level of [0, 1, 2, 3, 4]) {
  for (const kind of ['memory', 'sqlite'] as const) {
    // Cases of level 2 wait for a cron that runs every minute; beside each other they cost that minute once.
    test.concurrent(`official cases of level ${level} on ${kind}`, { timeout: 240_000 }, async () => {
      expect(existsSync(suites), `${suites} is missing; OJS_SUITES may name another folder`).toBe(true);
      const folder = await mkdtemp(join(tmpdir(), 'official-'));
      const server = await startServer({
        storage: kind === 'memory' ? 'memory:' : `sqlite:${join(folder, 'jobs.db')}`,
        host: '127.0.0.1',
        port: 0,
        testMode: true,
        log: false,
      });
      try {
        const report = await runSuites({ url: server.url, folders: [suites], reset: true, level });
        expect(report.cases.length).toBeGreaterThan(0);
        expect(report.failed, failuresOf(report)).toBe(0);
      } finally {
        await server.close();
        await rm(folder, { recursive: true });
      }
    });
  }
}
