import type { ServerOptions } from '@ojs-ts/server';
import { afterAll, describe, test } from 'vitest';
import { chromiumPath, Dashboard } from './dashboard.ts';
import { seed } from './seed.ts';

export interface DashboardSuite {
  /** Of the server; on memory without. */
  readonly server?: ServerOptions;
  /** True fills the server with the jobs of a small shop. */
  readonly seeded?: true;
}

/** A suite whose tests share one dashboard. Where the machine has no Chromium, one skipped test stands for it. */
export function describeDashboard(
  title: string,
  { server, seeded }: DashboardSuite,
  tests: (dashboard: Dashboard) => void,
): void {
  if (chromiumPath === null) test.skip(`${title} (there is no Chromium)`, () => {});
  else {
    describe(title, async () => {
      const opened = new AsyncDisposableStack();
      afterAll(() => opened.disposeAsync());
      const dashboard = opened.use(await Dashboard.start(server));
      if (seeded) opened.use(await seed(dashboard.server.url));
      tests(dashboard);
    });
  }
}
