import { expect, test } from 'vitest';
import { violations } from '../axe.ts';
import { describeDashboard } from '../describe-dashboard.ts';

describeDashboard('the steps of a job', {}, (dashboard) => {
  const worker = 'pays-1';
  const run = (name: string, number: number, more: object) => ({ name, kind: 'run', number, state: 'done', ...more });
  const sleep = (name: string, number: number, ms: number) => ({ name, kind: 'sleep', number, state: 'open', ms });

  /** Enqueues a job and fetches it. */
  async function started() {
    const { job } = await dashboard.post('jobs', { type: 'order.pay', args: ['o-17'], options: { queue: 'pays' } });
    return { id: job.id as string, ...(await fetched()) };
  }

  async function fetched() {
    const { jobs } = await dashboard.post('workers/fetch', { queues: ['pays'], worker_id: worker, steps: true });
    return { owner: { job_id: jobs[0].id, x_lease: jobs[0].x_lease }, worker_id: worker };
  }

  type Held = Awaited<ReturnType<typeof fetched>>;
  const record = ({ owner, worker_id }: Held, steps: readonly object[]) =>
    dashboard.post('workers/steps', { worker_id, items: [{ ...owner, steps }] });
  const steps = () => dashboard.page.getByRole('region', { name: 'Steps', exact: true });
  const badge = (name: string) => dashboard.page.locator('.page-head .badge', { hasText: name });

  test('steps appear while the job runs, with values on demand and waits with their end', async () => {
    const { page } = dashboard;
    const held = await started();
    await dashboard.open(`jobs/${held.id}`);
    expect(await steps().count()).toBe(0);
    await record(held, [run('charge', 1, { tries: 2, value: { cents: 1.5 } })]);
    await dashboard.post('jobs', { type: 'order.pay', args: [], options: { queue: 'others' } });
    await page.reload();
    const charge = steps().getByRole('listitem').filter({ hasText: 'charge' });
    await charge.getByText('2 attempts').waitFor();
    // No event reports this record: the page asks again by itself.
    const refused = { type: 'CardDeclined', message: 'The bank refused the card.' };
    await record(held, [run('notify', 2, { state: 'failed', tries: 3, error: refused })]);
    await steps().getByText('CardDeclined: The bank refused the card.').waitFor();
    await charge.getByText('Value').click();
    await charge.getByText('1.5', { exact: true }).waitFor();
    const waits = [{ name: 'cool down', kind: 'sleep' }];
    const nack = { ...held.owner, worker_id: worker, requeue: true, waits };
    await dashboard.post('workers/nack', { ...nack, steps: [sleep('cool down', 3, 3_600_000)] });
    await badge('waiting').waitFor();
    await steps().getByText('waits').waitFor();
    await steps().getByText('in 59 min').waitFor();
    await page.getByText('its handler waits in a durable step').waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await violations(page)).toEqual([]);
    }
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    await page.setViewportSize({ width: 1280, height: 800 });
    await dashboard.open('jobs?q=state:retryable');
    await page.getByRole('row').filter({ hasText: 'waiting' }).waitFor();
    expect(dashboard.complaints).toEqual([]);
  });

  test('a wait for a signal is shown with its signal, which is sent from here, and is ended', async () => {
    const { page } = dashboard;
    const held = await started();
    const waiting = (name: string, number: number, more: object = {}) => ({
      ...{ name, kind: 'signal', number, state: 'open' },
      ...more,
    });
    await record(held, [
      run('charge', 1, { value: { cents: 5 } }),
      waiting('approval', 2, { ms: 3_600_000 }),
      waiting('paid', 3, { token: 'order:o-17' }),
    ]);
    const suspend = ({ owner }: Held, ...names: readonly string[]) => {
      const waits = names.map((name) => ({ name, kind: 'signal' }));
      return dashboard.post('workers/nack', { ...owner, worker_id: worker, requeue: true, waits });
    };
    await suspend(held, 'approval', 'paid');
    await dashboard.open(`jobs/${held.id}`);
    await badge('waiting for approval +1').waitFor();
    await page.getByText('The handler waits for the signal "approval" until').waitFor();
    const row = (name: string) => steps().getByRole('listitem').filter({ hasText: name });
    await row('approval').getByText('signal approval').waitFor();
    await row('paid').getByText('token order:o-17').waitFor();
    await row('paid').getByText('no timeout').waitFor();
    await row('approval').getByRole('button', { name: 'Send signal…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Send the signal approval' });
    const [payload, send] = [dialog.getByLabel('Payload'), dialog.getByRole('button', { name: 'Send signal' })];
    await payload.fill('{"approved": tru}');
    await expect.poll(() => send.isDisabled()).toBe(true);
    await payload.fill('{"approved": true, "n": 1.50}');
    await expect.poll(() => send.isDisabled()).toBe(false);
    expect(await violations(page)).toEqual([]);
    await send.click();
    await page.getByText('The signal has ended the wait, and the job is available.').waitFor();
    await row('approval').getByText('signal arrived').waitFor();
    await row('approval').getByText('Value').click();
    await row('approval').getByText('1.50', { exact: true }).waitFor();
    const next = await fetched();
    await record(next, [waiting('approval', 4, { state: 'expired' })]);
    await suspend(next, 'paid');
    await badge('waiting for order:o-17').waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await violations(page)).toEqual([]);
    }
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.getByRole('button', { name: 'End wait: paid' }).click();
    await badge('available').waitFor();
    await record(await fetched(), [waiting('paid', 5, { state: 'expired' })]);
    await row('paid').getByText('timed out').waitFor();
    expect(await page.getByRole('button', { name: 'Send signal…' }).count()).toBe(0);
    expect(dashboard.complaints).toEqual([]);
  });

  test('a job without steps has no such card, and more than 500 steps are read page by page', async () => {
    const { page } = dashboard;
    const held = await started();
    for (let first = 1; first <= 600; first += 100) {
      const rows = Array.from({ length: 100 }, (_, index) => run(`row ${first + index}`, first + index, {}));
      await record(held, rows);
    }
    await dashboard.open(`jobs/${held.id}`);
    await steps().getByText('row 500', { exact: true }).waitFor();
    expect(await steps().getByText('row 501', { exact: true }).count()).toBe(0);
    await page.getByRole('button', { name: 'Show more' }).click();
    await steps().getByText('row 600', { exact: true }).waitFor();
    expect(dashboard.complaints).toEqual([]);
  });

  test('an ended job is run again from a step, and another one is undone', async () => {
    const { page } = dashboard;
    const end = async () => {
      const held = await started();
      await record(held, [run('load', 1, {}), run('charge', 2, { undo: true }), run('send', 3, {})]);
      await dashboard.post('workers/ack', { ...held.owner, worker_id: worker });
      return held.id;
    };
    const [first, second] = [await end(), await end()];
    const related = page.getByRole('region', { name: 'Related', exact: true });
    await dashboard.open(`jobs/${first}`);
    await steps().getByRole('button', { name: 'Run again from charge' }).click();
    await page.getByText('were not: "charge"').waitFor();
    await steps().getByRole('button', { name: 'Run again from send' }).click();
    await page.getByText('A new job runs from send on.').waitFor();
    await related.getByText('Steps moved to').waitFor();
    expect(await steps().getByRole('button', { name: 'Run again from send' }).count()).toBe(0);
    await related.getByRole('link').first().click();
    await related.getByText('Runs again').waitFor();
    expect(await steps().getByRole('listitem').count()).toBe(2);
    await dashboard.open(`jobs/${second}`);
    await steps().getByRole('button', { name: 'Undo the steps…' }).click();
    await page.getByRole('button', { name: 'Undo the steps', exact: true }).click();
    await related.getByText('Undone by').waitFor();
    await related.getByRole('link').first().click();
    await related.getByText('Undoes').waitFor();
    await page.getByText('order.pay.undo').first().waitFor();
  });
});
