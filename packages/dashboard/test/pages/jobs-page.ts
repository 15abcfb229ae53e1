import type { Dashboard } from '../dashboard.ts';

/** The page of jobs, and jobs for it. */
export function jobsPage(dashboard: Dashboard) {
  const { page } = dashboard;
  return {
    query: page.getByRole('combobox', { name: 'Query' }),
    rows: page.getByRole('region', { name: 'Jobs' }).locator('tbody tr:has(input)'),
    /** What the heading says of how many there are. */
    shown: (text: string) => page.getByRole('heading', { level: 1 }).locator('xpath=..').getByText(text),
    enqueue: (count: number, queue: string) =>
      dashboard.post('jobs/batch', {
        jobs: Array.from({ length: count }, (_, index) => ({
          type: `${queue}.run`,
          args: [index],
          meta: { tenant: index % 2 === 0 ? 'acme' : 'globex' },
          options: { queue },
        })),
      }),
  };
}
