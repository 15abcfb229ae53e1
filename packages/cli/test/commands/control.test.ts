import { join } from 'node:path';
import { batch, chain, httpTransport } from '@ojs-ts/sdk';
import { expect, test } from 'vitest';
import { testWith } from '../../../core/test/support/test-with.ts';
import { asked, Ojs, steady } from '../support/ojs.ts';

const it = testWith(asked);

it('a preview shows local times, and what a change of the clocks does', async ({ ojs, client }) => {
  const berlin = ['--timezone', 'Europe/Berlin', '--count', '3'];
  const march = await ojs.run('cron', 'preview', '30 2 * * *', ...berlin, '--from', '2027-03-27T00:00:00Z');
  expect(march.output.replaceAll(/ +in \d+d| +\d+d/g, '')).toMatchInlineSnapshot(`
    "30 2 * * * in Europe/Berlin

    LOCAL TIME                 UTC                          WHEN  NOTE
    2027-03-27T02:30:00+01:00  2027-03-27T01:30:00.000Z
    2027-03-28T02:30:00                                           skipped: the clocks go forward from 02:00 to 03:00
    2027-03-29T02:30:00+02:00  2027-03-29T00:30:00.000Z
    2027-03-30T02:30:00+02:00  2027-03-30T00:30:00.000Z
    "
  `);
  const october = await ojs.run('cron', 'preview', '30 2 * * *', ...berlin, '--from', '2027-10-30T00:00:00Z');
  expect(october.output.replaceAll(/ +in \d+d| +\d+d/g, '')).toMatchInlineSnapshot(`
    "30 2 * * * in Europe/Berlin

    LOCAL TIME                 UTC                          WHEN  NOTE
    2027-10-30T02:30:00+02:00  2027-10-30T00:30:00.000Z
    2027-10-31T02:30:00+02:00  2027-10-31T00:30:00.000Z  the clocks go back from 03:00 to 02:00: runs the first time only
    2027-11-01T02:30:00+01:00  2027-11-01T01:30:00.000Z
    "
  `);
  const often = await ojs.run(
    'cron',
    'preview',
    '*/10 * * * *',
    ...berlin,
    '--count',
    '7',
    '--from',
    '2027-03-28T00:55:00Z',
  );
  expect(often.output).toContain('skipped: 3 more');
  const many = await ojs.run('cron', 'preview', '@daily', '--count', '1000', '--json');
  expect(JSON.parse(many.output).runs).toHaveLength(1_000);
  expect(await ojs.run('cron', 'preview', '@daily', '--count', '1001')).toMatchObject({ code: 2 });
  await client.registerCronJob({
    name: 'report',
    cron: '0 9 * * *',
    timezone: 'Asia/Tokyo',
    type: 'report.daily',
    args: [],
  });
  const named = await ojs.run('cron', 'preview', 'report', '--count', '2');
  expect(named.output).toMatch(/^0 9 \* \* \* in Asia\/Tokyo\n/);
  expect(named.output.match(/T09:00:00\+09:00/g)).toHaveLength(2);
  expect(await ojs.run('cron', 'preview', 'report', '--timezone', 'UTC')).toMatchObject({ code: 2 });
  await client.pauseCronJob('report');
  expect((await ojs.run('cron', 'preview', 'report')).output).toContain('report is paused');
  expect(await ojs.run('cron', 'preview', 'reprot')).toMatchObject({ code: 3 });
});

it('a workflow is drawn: forks are indented, and neighbours alike share a line where there are many', async (one) => {
  const { ojs, client } = one;
  const dag = JSON.stringify({
    name: 'build',
    steps: [
      { id: 'fetch', type: 'a.fetch', args: [] },
      { id: 'left', type: 'a.left', args: [], depends_on: ['fetch'] },
      { id: 'right', type: 'a.right', args: [], depends_on: ['fetch'] },
      { id: 'join', type: 'a.join', args: [], depends_on: ['left', 'right'] },
    ],
  });
  await using transport = httpTransport(one.server.url);
  const { id } = JSON.parse((await transport.call({ operation: 'workflow.create', body: dag })).text);
  expect(steady((await ojs.run('workflows', 'graph', id)).output)).toMatchInlineSnapshot(`
    "build: dag, running, 4 steps: 1 pending, 3 waiting

    STEP  TYPE  STATE  AFTER  JOB
    fetch  a.fetch  ○ pending  ID..................................
      left  a.left  · waiting  fetch
      right  a.right  · waiting  fetch
    join  a.join  · waiting  left, right
    "
  `);
  const large = await client.workflow(
    batch(
      'large',
      Array.from({ length: 200 }, () => ({ type: 'a.part', args: [] })),
      { onSuccess: { type: 'a.done', args: [] } },
    ),
  );
  expect(steady((await ojs.run('workflows', 'graph', large.id)).output)).toMatchInlineSnapshot(`
    "large: batch, running, 200 steps: 200 pending

    STEP  TYPE  STATE  AFTER  JOB
    200 steps, 0 to 199  a.part  ○ pending
    all ended  · waiting  0, 1, 2 and 197 more
    on_success  a.done  · waiting  all ended
    "
  `);
  const json = await ojs.run('workflows', 'graph', large.id, '--json');
  expect(JSON.parse(json.output).nodes).toHaveLength(202);
  const { id: missing } = await client.workflow(chain('one', [{ type: 'a.b', args: [] }]));
  expect(
    await ojs.run(
      'workflows',
      'graph',
      missing.replace(/.$/, (end) => (end === '0' ? '1' : '0')),
    ),
  ).toMatchObject({ code: 3 });
});

it('which tenant floods: counts by a field', async (one) => {
  const jobs = (tenant: unknown, count: number) =>
    Array.from({ length: count }, () => ({ type: 'a.b', args: [], ...(tenant !== undefined && { meta: { tenant } }) }));
  await one.client.enqueueBatch([...jobs('acme', 12), ...jobs('42', 2), ...jobs(42, 1), ...jobs(undefined, 5)]);
  const { output, errors } = await one.ojs.run('jobs', 'groups', '--by', 'meta.tenant');
  expect([output, errors]).toMatchInlineSnapshot(`
    [
      "meta.tenant  JOBS   SHARE
    acme           12  60.0 %
    "42"            2  10.0 %
    42              1   5.0 %
    (no value)      5  25.0 %
    ",
      "",
    ]
  `);
  const cut = await one.ojs.run('jobs', 'groups', '--by', 'meta.tenant', '--limit', '1', '--json');
  expect(cut).toEqual({
    code: 0,
    output: '[{"value":"acme","count":12},\n{"missing":true,"count":5}]\n',
    errors: 'These are 1 of 3 groups; --limit shows more.\n',
  });
  const wrong = await one.ojs.run('jobs', 'groups', '--by', 'tenat');
  expect(wrong).toMatchObject({ code: 1, output: '' });
  expect(wrong.errors).toContain('unknown field "tenat"');
  expect((await one.ojs.run('jobs', 'groups', '--by', 'type', '--queue', 'none')).output).toBe('No jobs.\n');
});

it('the settings of a queue come back from an entry of the audit log', async ({ ojs, client }) => {
  await ojs.run('queues', 'configure', 'mail', '--create', '--concurrency', '3', '--rate', '100/1m');
  await ojs.run('queues', 'configure', 'mail', '--concurrency', '9', '--rate', 'none', '--max-depth', '50');
  await ojs.run('queues', 'pause', 'mail');
  const listed = await ojs.run('audit', 'list', '--about', 'mail', '--json');
  const entries: readonly { readonly id: string; readonly event_type: string }[] = JSON.parse(listed.output);
  const [, changed, first] = entries;
  expect((await ojs.run('audit', 'show', changed?.id ?? '')).output).toMatch(/^before +\{.*"concurrency":3.*\}$/m);
  const asking = await ojs.run('queues', 'restore', 'mail', '--entry', changed?.id ?? '');
  expect(asking).toMatchObject({ code: 2 });
  expect(asking.output).toMatchInlineSnapshot(`
    "SETTING      NOW   BEFORE
    paused       true  false
    max_size     50    none
    concurrency  9     3
    rate_limit   none  100/PT1M

    "
  `);
  const done = await ojs.run('queues', 'restore', 'mail', '--entry', changed?.id ?? '', '--yes');
  expect([done.code, done.errors]).toEqual([0, '']);
  expect(done.output).toContain('Queue mail has the settings from before ');
  expect(JSON.parse((await ojs.run('queues', 'show', 'mail', '--json')).output)).toMatchObject({
    paused: false,
    config: { concurrency: 3, rate_limit: { limit: 100, period: 'PT1M' }, max_size: null },
  });
  expect((await ojs.run('queues', 'restore', 'mail', '--entry', changed?.id ?? '', '--yes')).output).toBe(
    'Queue mail has these settings already.\n',
  );
  expect(await ojs.run('queues', 'restore', 'mail', '--entry', first?.id ?? '', '--yes')).toMatchObject({ code: 2 });
  expect(await ojs.run('queues', 'restore', 'other', '--entry', changed?.id ?? '', '--yes')).toMatchObject({ code: 2 });
  const { id } = await client.enqueue('a.b', []);
  expect(await ojs.run('queues', 'restore', 'mail', '--entry', id, '--yes')).toMatchObject({ code: 3 });
});

it('the slots of a limit: who holds them, and how they come back', async ({ ojs, client, server }) => {
  await using transport = httpTransport(server.url);
  const limits = [{ key: 'tenant:7', concurrency: 2 }];
  await client.enqueueBatch(Array.from({ length: 3 }, () => ({ type: 'a.b', args: [], limits })));
  const fetch = (worker_id: string) =>
    transport.call({ operation: 'worker.fetch', body: JSON.stringify({ queues: ['default'], worker_id }) });
  await fetch('alive');
  await fetch('other');
  const shown = await ojs.run('limits', 'show', 'tenant:7');
  expect(shown.output).toMatch(/ a\.b +\d+s +other +alive\n/);
  expect(shown.output).toContain('Live workers hold all slots.');
  expect(JSON.parse((await ojs.run('limits', 'show', 'tenant:7', '--json')).output)).toMatchObject({
    waiting_count: 1,
    holders: [{ worker_id: 'other' }, { worker_id: 'alive' }],
  });
  const kept = await ojs.run('limits', 'free', 'tenant:7', '--yes');
  expect(kept.output).toContain('None of these workers is dead, so nothing was changed.');
  const refused = await ojs.run('limits', 'free', 'tenant:7', '--force');
  expect(refused.errors).toContain('Shall I cancel 2 jobs?');
  expect((await ojs.run('limits', 'free', 'tenant:7', '--force', '--yes')).output).toContain(
    '2 slots of tenant:7 are free.',
  );
  expect((await ojs.run('limits', 'free', 'tenant:7', '--yes')).output).toBe('No job holds a slot of tenant:7.\n');
  expect((await client.queueStats('default')).cancelled).toBe(2);
  expect(await ojs.run('limits', 'free', 'tenant:8', '--yes')).toMatchObject({ code: 3 });
});

test('a context may be a storage', async () => {
  using ojs = new Ojs();
  const file = join(ojs.home, 'jobs.db');
  await ojs.run('migrate', '--storage', `sqlite:${file}`);
  expect((await ojs.run('context', 'add', 'local', '--storage', `sqlite:${file}`)).output).toBe(
    'Context local is set and current.\n',
  );
  expect((await ojs.run('jobs', 'list')).output).toBe('No jobs.\n');
  expect(await ojs.run('context', 'set', 'x')).toMatchObject({ code: 2 });
  expect(await ojs.run('context', 'set', 'x', '--storage', 'memory:')).toMatchObject({ code: 2 });
  await ojs.run('context', 'set', 'pg', '--storage', 'postgres://ojs:hush@localhost/ojs');
  expect((await ojs.run('context', 'list')).output).toContain('postgres://ojs:…@localhost/ojs');
});
