import { expect, test } from 'vitest';
import { describeDashboard } from '../describe-dashboard.ts';

/** One more than the server reads for an answer. */
const others = 10_001;
const atOnce = 1_000;

describeDashboard('a search that the server stops', {}, (dashboard) => {
  const { post } = dashboard;

  test('says that it was stopped, and goes on: a cron that has run is not shown as one without a run', async () => {
    const { page } = dashboard;
    await post('cron', { name: 'nightly', cron: '0 0 1 1 *', job_template: { type: 'report', args: ['pdf'] } });
    await dashboard.open('crons/nightly');
    const runs = page.getByRole('region', { name: 'Past runs', exact: true });
    await runs.getByText(/No runs yet/).waitFor();
    await post('cron/nightly/trigger', {});
    for (let made = 0; made < others; made += atOnce) {
      const jobs = Array.from({ length: Math.min(atOnce, others - made) }, () => ({ type: 'other', args: [] }));
      await post('jobs/batch', { jobs });
    }
    await dashboard.open('crons/nightly');
    await runs.getByText(/The server stopped after [\d,]+ of about 10,002 jobs, and has found none so far/).waitFor();
    expect(await runs.getByText(/No runs yet/).count()).toBe(0);
    await expect
      .poll(async () => {
        // The button is disabled while a search runs, and gone after the last one.
        const further = runs.getByRole('button', { name: 'Search further', disabled: false });
        if ((await further.count()) > 0) await further.click({ timeout: 1_000 }).catch(() => undefined);
        return runs.getByRole('cell', { name: '["pdf"]' }).count();
      })
      .toBe(1);
    expect(await runs.getByRole('button', { name: 'Search further' }).count()).toBe(0);
    expect(dashboard.complaints).toEqual([]);
  });
});
