import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { chain, httpTransport } from '@ojs-ts/sdk';
import { expect, test } from 'vitest';
import { answering } from '../support/answering.ts';
import { asked, Ojs, steady } from '../support/ojs.ts';
import { fail } from '../support/work.ts';

test('queues: paused, resumed, made with settings, changed and deleted', async () => {
  await using one = await asked();
  const { ojs, client } = one;
  await client.enqueueBatch(Array.from({ length: 3 }, () => ({ type: 'a.b', args: [], queue: 'mail' })));
  expect((await ojs.run('queues', 'pause', 'mail')).output).toBe('Queue mail is paused.\n');
  const made = await ojs.run('queues', 'create', 'few', '--concurrency', '2', '--rate', '100/1m', '--max-depth', '50');
  expect(made.output).toMatch(/^concurrency +2\nrate +100 starts in 1m\nmax depth +50 jobs/m);
  expect(steady((await ojs.run('queues', 'list')).output)).toMatchInlineSnapshot(`
    "NAME  STATUS  AVAILABLE  ACTIVE  SCHEDULED  RETRYABLE  PENDING  COMPLETED  CANCELLED  DISCARDED  OLDEST
    few  active  0  0  0  0  0  0  0  0
    mail  paused  3  0  0  0  0  0  0  0  0s
    "
  `);
  expect(steady((await ojs.run('queues', 'show', 'mail')).output)).toMatchInlineSnapshot(`
    "name  mail
    status  paused
    created_at  TIME (0s)
    available  3
    active  0
    scheduled  0
    retryable  0
    pending  0
    completed  0
    cancelled  0
    discarded  0
    dead letter  0
    oldest available  TIME (0s)
    completed, last hour  0
    failed, last hour  0
    wait, last hour  -
    run, last hour  -
    concurrency  no limit
    rate  no limit
    max depth  no bound
    kept  completed 0s, discarded 0s, cancelled 0s
    "
  `);
  expect((await ojs.run('queues', 'resume', 'mail')).output).toBe('Queue mail is active.\n');
  const changed = await ojs.run('queues', 'configure', 'few', '--concurrency', 'none', '--overflow', 'warn');
  expect(changed.output).toMatch(/^concurrency +no limit\nrate +100 starts in 1m\n.* taken with a warning$/m);
  expect(await ojs.run('queues', 'configure', 'few')).toMatchObject({ code: 2 });
  expect(await ojs.run('queues', 'delete', 'few', '--yes')).toMatchObject({
    code: 0,
    output: 'Queue few is deleted.\n',
  });
  expect(await ojs.run('queues', 'delete', 'mail', '--yes')).toMatchObject({
    code: 1,
    errors:
      'ojs queues delete: Queue mail holds jobs; only a queue without any, finished ones included, can be deleted.\n',
  });
});

test('a misspelled queue or limit is refused with the nearest name, and created only by --create', async () => {
  await using one = await asked();
  const { ojs, client } = one;
  const limits = [{ key: 'mail:customer:42', concurrency: 1 }];
  await client.enqueue('a.b', [], { queue: 'orders', limits });
  const wrong = [
    ['queues', 'pause', 'ordrs'],
    ['queues', 'resume', 'ordrs'],
    ['queues', 'configure', 'ordrs', '--concurrency', '2'],
    ['limits', 'override', 'mail:custmer:42', '--concurrency', '0'],
  ];
  for (const words of wrong) {
    const { code, errors } = await ojs.run(...words);
    expect(code).toBe(3);
    expect(errors).toMatch(/Did you mean (orders|mail:customer:42)\? --create creates it\.\n$/);
  }
  expect((await ojs.run('queues', 'list')).output).not.toContain('ordrs');
  expect(await ojs.run('queues', 'pause', 'ordrs', '--create')).toMatchObject({ code: 0 });
  expect((await ojs.run('queues', 'list')).output).toContain('ordrs');
  expect((await ojs.run('limits', 'override', 'mail:customer:42', '--concurrency', '0')).output).toMatch(
    /running +0\/0/,
  );
  expect((await ojs.run('enqueue', 'Hello')).errors).toContain('got "Hello"');
});

test('a queue is drained: waited for, with a time to give up, and paused when it is empty', async () => {
  await using one = await asked();
  const { ojs, client } = one;
  await client.enqueueBatch(Array.from({ length: 2 }, () => ({ type: 'a.b', args: [], queue: 'mail' })));
  await client.enqueue('a.b', [], { queue: 'mail', scheduledAt: '2099-01-01T00:00:00Z' });
  expect(await ojs.run('queues', 'drain', 'mail', '--timeout', '100ms')).toEqual({
    code: 1,
    output: '',
    errors: 'ojs queues drain: Queue mail is not empty: 2 waiting, 0 running, 1 scheduled.\n',
  });
  await using wire = httpTransport(one.server.url);
  const post = async (operation: 'worker.fetch' | 'worker.ack', body: object) =>
    JSON.parse((await wire.call({ operation, body: JSON.stringify(body) })).text);
  const drained = ojs.apart('queues', 'drain', 'mail', '--pause');
  const { jobs } = await post('worker.fetch', { queues: ['mail'], count: 2, worker_id: 'w' });
  for (const { id } of jobs) await post('worker.ack', { job_id: id });
  expect(await drained).toEqual({
    code: 0,
    output: 'Queue mail is empty and paused. 1 job scheduled for later.\n',
    errors: '',
  });
  await client.enqueue('a.b', [], { queue: 'mail' });
  expect(await ojs.run('queues', 'drain', 'mail')).toMatchObject({
    code: 1,
    errors: 'ojs queues drain: Queue mail is paused, so it never empties: ojs queues resume mail.\n',
  });
  expect(await ojs.run('queues', 'drain', 'nobody')).toMatchObject({ code: 3 });
});

test('cron jobs: listed, run now, paused and removed', async () => {
  await using one = await asked();
  const { ojs, client } = one;
  await client.registerCronJob({
    name: 'report',
    cron: '0 9 * * *',
    timezone: 'Europe/Berlin',
    type: 'report.daily',
    args: [],
  });
  const listed = await ojs.run('cron', 'list');
  expect(listed.output.split('\n')[0]).toMatch(/^NAME +CRON +ZONE +TYPE +STATUS +NEXT +LAST +LAST STATE +RUNS$/);
  expect(listed.output).toMatch(/^report +0 9 \* \* \* +Europe\/Berlin +report.daily +active +in \d+[hms]/m);
  expect((await ojs.run('cron', 'runs', 'report')).output).toBe('No runs.\n');
  expect(steady((await ojs.run('cron', 'trigger', 'report')).output)).toBe(
    `Cron job report runs as job ${'ID'.padEnd(36, '.')}.\n`,
  );
  expect((await ojs.run('cron', 'runs', 'report')).output).toMatch(/ default +available +0\/3 +\d+s\n$/);
  expect((await ojs.run('cron', 'list')).output).toMatch(/ active +in \d+[hms]+ +\d+s +available +1$/m);
  expect((await ojs.run('cron', 'pause', 'report')).output).toBe('Cron job report is paused.\n');
  expect((await client.getCronJob('report')).enabled).toBe(false);
  expect(steady((await ojs.run('cron', 'resume', 'report')).output)).toBe(
    'Cron job report is active; its next run is TIME.\n',
  );
  expect(steady((await ojs.run('cron', 'show', 'report')).output)).toContain('0 9 * * * Europe/Berlin');
  expect((await ojs.run('cron', 'remove', 'report', '--yes')).output).toBe('Cron job report is removed.\n');
});

test('cron jobs: a change of one part keeps the others and a pause; one that never runs is marked', async () => {
  await using one = await asked();
  const { ojs, client } = one;
  const cron = { name: 'report', cron: '@every 4h', type: 'report.daily', queue: 'reports', priority: 3 };
  const before = await client.registerCronJob({ ...cron, description: 'weekly', overlapPolicy: 'enqueue' });
  await client.pauseCronJob('report');
  expect((await ojs.run('cron', 'list')).output).toMatch(/ paused +0$/m);
  expect((await ojs.run('cron', 'change', 'report', '--cron', '0 0 30 2 *', '--queue', 'late')).output).toBe(
    'Cron job report is changed; it does not run now.\n',
  );
  const { overlapPolicy, description, priority } = before;
  expect(await client.getCronJob('report')).toMatchObject({
    ...{ overlapPolicy, description, priority, cron: '0 0 30 2 *', queue: 'late' },
    ...{ enabled: false, registeredEnabled: true, pausedAt: expect.any(Date), neverRuns: false },
  });
  await client.resumeCronJob('report');
  expect((await ojs.run('cron', 'list')).output).toMatch(/ never runs +0$/m);
  expect((await ojs.run('cron', 'change', 'report', '--args', '[1.0]', '--description', '')).output).toContain(
    'its expression matches no time, so it never runs',
  );
  expect((await client.getCronJob('report')).description).toBeUndefined();
  expect(await ojs.run('cron', 'change', 'report')).toMatchObject({ code: 2 });
  expect((await ojs.run('cron', 'change', 'report', '--cron', '@every 500ms')).errors).toContain('at least 1s');
});

test('the dead letter: counted by error, run again, purged', async () => {
  await using one = await asked();
  const { ojs, server } = one;
  await fail(server.url, 4, 'timeout', 'dead_letter');
  await fail(server.url, 2, 'gone', 'dead_letter');
  expect(steady((await ojs.run('dead-letter', 'stats')).output)).toMatchInlineSnapshot(`
    "jobs  6
    queue failing-gone  2
    queue failing-timeout  4
    error gone  2
    error timeout  4
    oldest  TIME (0s)
    newest  TIME (0s)
    "
  `);
  expect((await ojs.run('dead-letter', 'list')).output).toMatch(
    /failing.job +failing-gone +1\/1 +gone: gone: it failed +\d+s/,
  );
  expect((await ojs.run('dead-letter', 'retry', '--error-type', 'timeout', '--yes')).output).toBe('4 jobs retried.\n');
  expect((await ojs.run('dead-letter', 'purge', '--queue', 'failing-gone', '--yes')).output).toBe('2 jobs deleted.\n');
  expect((await ojs.run('dead-letter', 'list')).output).toBe('No dead letters.\n');
});

test('errors: counted by fingerprint, which finds, retries and purges the jobs of one of them', async () => {
  await using one = await asked();
  const { ojs, server } = one;
  await fail(server.url, 4, 'timeout', 'dead_letter');
  await fail(server.url, 2, 'gone', 'dead_letter');
  await fail(server.url, 1, 'gone');
  const counted = (await ojs.run('errors', 'list')).output;
  expect(counted.split('\n')[0]).toMatch(/^FINGERPRINT +JOBS +FIRST +LAST +ERROR$/);
  const of = (error: string) => new RegExp(`^([0-9a-f]{16}) .*${error}: it failed`, 'm').exec(counted)?.[1] ?? error;
  expect(counted).toMatch(/^[0-9a-f]{16} +4 +\d+s +\d+s +timeout: timeout: it failed\n[0-9a-f]{16} +3 /m);
  const dead = JSON.parse((await ojs.run('errors', 'list', '--dead-letter', '--json')).output);
  expect(dead).toMatchObject([
    { count: 4, fingerprint: of('timeout') },
    { count: 2, message: 'gone: it failed' },
  ]);
  const part = await ojs.run('errors', 'list', '--limit', '1', '--queue', 'failing-gone', '--state', 'discarded');
  expect(part).toMatchObject({ code: 0, errors: '' });
  expect((await ojs.run('errors', 'list', '--limit', '1')).errors).toBe(
    'These are 1 of 2 errors; --limit shows more.\n',
  );
  expect((await ojs.run('errors', 'list', '--queue', 'mail')).output).toBe('No errors.\n');
  expect((await ojs.run('errors', 'list', '--state', 'active')).errors).toContain('retryable and discarded');
  const gone = ['--fingerprint', of('gone')];
  expect((await ojs.run('jobs', 'list', ...gone, '--ndjson')).output.trimEnd().split('\n')).toHaveLength(3);
  expect((await ojs.run('jobs', 'retry', ...gone, '--dry-run')).output).toBe('3 jobs would be retried.\n');
  expect((await ojs.run('dead-letter', 'retry', ...gone, '--yes')).output).toBe('2 jobs retried.\n');
  expect((await ojs.run('jobs', 'retry', ...gone, '--yes')).output).toBe('1 job retried.\n');
  expect((await ojs.run('dead-letter', 'purge', '--fingerprint', of('timeout'), '--yes')).output).toBe(
    '4 jobs deleted.\n',
  );
  expect((await ojs.run('errors', 'list')).output).toBe('No errors.\n');
  expect((await ojs.run('jobs', 'list', '--fingerprint', 'nonsense')).errors).toContain('16 digits');
});

test('limits: seen and overridden', async () => {
  await using one = await asked();
  const { ojs, client } = one;
  await client.enqueue('a.b', [], { limits: [{ key: 'tenant:7', concurrency: 4 }] });
  expect((await ojs.run('limits', 'list')).output).toMatch(/^tenant:7 +0\/4 +1$/m);
  expect((await ojs.run('limits', 'override', 'tenant:7', '--concurrency', '1', '--for', '10m')).output).toContain(
    '0/1',
  );
  expect((await ojs.run('limits', 'list')).output).toMatch(/^tenant:7 +0\/1 +1 +yes$/m);
  expect((await ojs.run('limits', 'restore', 'tenant:7')).output).toBe('Limit tenant:7 has its own numbers again.\n');
  expect((await ojs.run('limits', 'show', 'tenant:7')).output).toContain('0/4');
});

test('limits: what holds back the most comes first, over all pages, and keys are found by a part', async () => {
  await using one = await asked();
  const { ojs, client } = one;
  const limited = (key: string, count: number) => Array.from({ length: count }, () => ({ key, concurrency: 1 }));
  const keys = Array.from({ length: 201 }, (_, index) => `customer:${index + 100}`);
  const limits = [...keys.flatMap((key) => limited(key, 1)), ...limited('zz:bank', 3)];
  await client.enqueueBatch(limits.map((limit) => ({ type: 'a.b', args: [], limits: [limit] })));
  const { output } = await ojs.run('limits', 'list', '--sort', 'waiting');
  expect(output.split('\n')[1]).toMatch(/^zz:bank +0\/1 +3$/);
  const all = await ojs.run('limits', 'list', '--sort', 'waiting', '--all', '--ndjson');
  expect(new Set(all.output.trimEnd().split('\n')).size).toBe(202);
  expect((await ojs.run('limits', 'list', '--key', 'R:30')).output.match(/^customer/gm)).toHaveLength(1);
});

test('a queue is purged by state and age', async () => {
  await using one = await asked();
  const { ojs, client } = one;
  await client.enqueueBatch(Array.from({ length: 3 }, () => ({ type: 'a.b', args: [], queue: 'mail' })));
  expect(await ojs.run('queues', 'purge', 'mail', '--state', 'availabel', '--yes')).toMatchObject({ code: 2 });
  expect(await ojs.run('queues', 'purge', 'mail', '--state', 'available')).toMatchObject({ code: 2 });
  const aged = await ojs.run('queues', 'purge', 'mail', '--state', 'completed', '--ended-before', '1h', '--yes');
  expect(aged.output).toBe('0 jobs deleted.\n');
  expect((await ojs.run('queues', 'purge', 'mail', '--state', 'available', '--yes', '--json')).output).toBe(
    '{"deleted":3}\n',
  );
});

test('a purge that is interrupted, or fails, says how much it has deleted', async () => {
  const waiting = Promise.withResolvers<void>();
  await using server = await answering((index) => {
    if (index === 0) return { purged_count: 1_000, has_more: true };
    waiting.resolve();
    return null;
  });
  using ojs = new Ojs({ OJS_BACKEND_URL: server.url });
  const purge = ['queues', 'purge', 'mail', '--state', 'completed,cancelled', '--yes'];
  expect(await ojs.interrupted(waiting.promise, ...purge)).toEqual({
    code: 130,
    output: '',
    errors: 'ojs queues purge: interrupted. 1,000 jobs deleted so far. The last request may delete more.\n',
  });
  const [{ method, url, body } = { method: '', url: '', body: '' }] = server.asked;
  expect([method, url]).toEqual(['DELETE', '/ojs/v1/admin/queues/mail/jobs?states=completed%2Ccancelled&confirm=true']);
  // A server by the specification reads the body.
  expect(JSON.parse(body)).toEqual({ states: ['completed', 'cancelled'], confirm: true });
  const error = { code: 'conflict', message: 'Not now.' };
  await using broken = await answering((index) => (index === 0 ? { purged_count: 1, has_more: true } : { error }));
  using other = new Ojs({ OJS_BACKEND_URL: broken.url });
  expect(await other.run(...purge)).toEqual({
    code: 1,
    output: '',
    errors: 'ojs queues purge: Not now. 1 job deleted before that.\n',
  });
});

test('maintenance: begun, shown and ended', async () => {
  await using one = await asked();
  const { ojs, client, server } = one;
  expect((await ojs.run('maintenance', 'status')).output).toBe('Maintenance mode is off.\n');
  expect(await ojs.run('maintenance', 'on')).toMatchObject({ code: 2 });
  const on = await ojs.run('maintenance', 'on', '--reason', 'migration', '--for', '30m', '--yes');
  expect(steady(on.output)).toMatchInlineSnapshot(`
    "maintenance  on: no job starts
    reason  migration
    since  TIME (0s)
    expected end  TIME (in 0s)
    "
  `);
  await client.enqueue('a.b', [], { queue: 'mail' });
  expect(server.engine.maintenance.on).toBe(true);
  expect((await ojs.run('maintenance', 'off')).output).toBe('Maintenance mode is off.\n');
  expect(server.engine.maintenance.on).toBe(false);
});

test('the history of the statistics', async () => {
  await using one = await asked();
  const { ojs, client } = one;
  await client.enqueue('a.b', [], { queue: 'mail' });
  const { output } = await ojs.run('stats', '--history', '1d', '--queue', 'mail');
  expect(output.split('\n')[0]).toMatch(
    /^TIME +ENQUEUED +STARTED +PROCESSED +FAILED +DISCARDED( +WAIT P\d\d){3}( +RUN P\d\d){3}$/,
  );
  expect(output).toMatch(/T00:00:00.000Z +1 +0 +0 +0 +0$/m);
  expect(await ojs.run('stats', '--queue', 'mail')).toMatchObject({ code: 2 });
});

test('sums over all queues', async () => {
  await using one = await asked();
  await one.client.enqueueBatch(['a', 'b'].map((queue) => ({ type: 'a.b', args: [], queue })));
  expect((await one.ojs.run('stats')).output).toMatchInlineSnapshot(`
    "queues                2, 0 paused
    workers               0, 0 running, 0 stale
    available             2
    active                0
    scheduled             0
    retryable             0
    pending               0
    completed             0
    cancelled             0
    discarded             0
    dead letter           0
    completed, last hour  0
    failed, last hour     0
    wait, last hour       -
    run, last hour        -
    "
  `);
  await using wire = httpTransport(one.server.url);
  const fetched = await wire.call({ operation: 'worker.fetch', body: '{"queues":["a"],"worker_id":"w1"}' });
  const job_id = JSON.parse(fetched.text).jobs[0].id;
  await wire.call({ operation: 'worker.ack', body: JSON.stringify({ job_id }) });
  // The server reads the last minutes again once a second.
  await expect
    .poll(async () => (await one.ojs.run('stats')).output)
    .toMatch(/^wait, last hour +p50 [\d,]+ ms, p95 [\d,]+ ms, p99 [\d,]+ ms$/m);
  expect(JSON.parse((await one.ojs.run('stats', '--json')).output)).toMatchObject({
    queues: 2,
    jobs: { available: 1, completed: 1 },
  });
});

test('events are printed as they happen', async () => {
  await using one = await asked();
  const { ojs, client } = one;
  const line = ojs.untilLine(/job.enqueued/, 'events', 'tail', '--queue', 'watched', '--ndjson');
  let seen = false;
  const sending = (async () => {
    while (!seen) {
      await client.enqueue('a.b', [], { queue: 'watched' });
      await pause(50);
    }
  })();
  expect(JSON.parse(await line)).toMatchObject({ data: { job_type: 'a.b' } });
  seen = true;
  await sending;
  for (const call of ['pause', 'resume', 'pause']) await ojs.run('queues', call, 'watched');
  const first = await ojs.untilLine(/queue/, 'events', 'tail', '--last', '2', '--type', 'queue.*', '--ndjson');
  expect(JSON.parse(first)).toMatchObject({ event: 'queue.resumed' });
  expect(await ojs.run('events', 'tail', '--last', '2', '--job', 'x')).toMatchObject({ code: 2 });
  const missing = await ojs.run('events', 'tail', '--job', 'nothing');
  expect(missing).toMatchObject({ code: 3, output: '' });
});

test('what a worker says of itself does not steer the terminal', async () => {
  await using one = await asked();
  await using transport = httpTransport(one.server.url);
  const about = { worker_id: 'w', hostname: 'h\u001b[2J', queues: ['q\u009b2J', 'x\u202e'], concurrency: 1 };
  await transport.call({ operation: 'worker.register', body: JSON.stringify(about) });
  const { output } = await one.ojs.run('workers', 'list');
  expect(output).toContain('h\\u001b[2J');
  expect(output).not.toMatch(/[\p{Bidi_Control}]|(?!\n)\p{Cc}/u);
});

test('workflows: listed, shown with their steps, cancelled', async () => {
  await using one = await asked();
  const { ojs, client } = one;
  const { id } = await client.workflow(
    chain('steps', [
      { type: 'first.step', args: [] },
      { type: 'second.step', args: [] },
    ]),
  );
  expect(steady((await ojs.run('workflows', 'list')).output)).toMatchInlineSnapshot(`
    "ID  NAME  TYPE  STATE  STEPS  AGE
    ID..................................  steps  chain  running  0/2  0s
    "
  `);
  expect(steady((await ojs.run('workflows', 'show', id)).output)).toMatchInlineSnapshot(`
    "id  ID..................................
    name  steps
    type  chain
    state  running
    steps  0/2
    created_at  TIME (0s)

    STEP  TYPE  STATE  JOB  AFTER
    0  first.step  pending  ID..................................
    1  second.step  waiting  0
    "
  `);
  expect((await ojs.run('workflows', 'cancel', id)).output).toBe(`Workflow ${id} is cancelled.\n`);
  expect((await ojs.run('workflows', 'list', '--state', 'running')).output).toBe('No workflows.\n');
});

test('a failed workflow is retried and goes on, or is run again as a new one', async () => {
  await using one = await asked();
  const { ojs, client, server } = one;
  await using transport = httpTransport(server.url);
  const ask = async (operation: 'worker.fetch' | 'worker.nack', body: object) =>
    JSON.parse((await transport.call({ operation, body: JSON.stringify(body) })).text);
  const { id } = await client.workflow(
    chain('order', [
      { type: 'pay.charge', args: [], retry: { maxAttempts: 1 } },
      { type: 'ship.send', args: [] },
    ]),
  );
  const nothing = await ojs.run('workflows', 'retry', id);
  expect(nothing).toMatchObject({ code: 1 });
  expect(nothing.errors).toContain(`Workflow ${id} is running, and no step of it has failed for good.`);
  const { jobs } = await ask('worker.fetch', { queues: ['default'], worker_id: 'w' });
  await ask('worker.nack', { job_id: jobs[0].id, error: { type: 'Declined', message: 'no money' } });
  expect((await client.getWorkflow(id)).state).toBe('failed');
  expect((await ojs.run('explain', id, '--step', '1')).output).toContain(`ojs workflows retry ${id}`);
  expect((await ojs.run('workflows', 'retry', id)).output).toBe(`Workflow ${id} is running again.\n`);
  expect((await client.getWorkflow(id)).steps.map(({ state }) => state)).toEqual(['pending', 'waiting']);
  const { output } = await ojs.run('workflows', 'rerun', id);
  const [, started = ''] = /^Workflow (\S+) was started with the steps of workflow (\S+)\.$/m.exec(output) ?? [];
  const again = await client.getWorkflow(started);
  expect(again.id).not.toBe(id);
  expect(again.steps.map(({ type, state }) => [type, state])).toEqual([
    ['pay.charge', 'pending'],
    ['ship.send', 'waiting'],
  ]);
});

test('workers: listed, looked at and removed', async () => {
  // It sends no heartbeats.
  await using one = await asked({ engine: { deadAfterMs: 86_400_000 } });
  const { ojs, server } = one;
  await using transport = httpTransport(server.url);
  const about = { worker_id: 'mailer-1', hostname: 'web-7', queues: ['mail'], concurrency: 10 };
  await transport.call({ operation: 'worker.register', body: JSON.stringify(about) });
  expect(steady((await ojs.run('workers', 'list')).output)).toMatchInlineSnapshot(`
    "ID  STATE  HOST  QUEUES  JOBS  HEARTBEAT  LAG  MEMORY
    mailer-1  running  web-7  mail  0/10  0s
    "
  `);
  expect(steady((await ojs.run('workers', 'show', 'mailer-1')).output)).toMatchInlineSnapshot(`
    "id  mailer-1
    state  running
    host  web-7
    queues  mail
    heartbeat  TIME (0s)
    jobs  0/10
    "
  `);
  expect((await ojs.run('workers', 'quiet', 'mailer-1')).output).toBe(
    'Worker mailer-1 will fetch no more from its next heartbeat on.\n',
  );
  expect((await ojs.run('workers', 'resume', 'mailer-1')).code).toBe(0);
  expect((await ojs.run('workers', 'stop', 'mailer-1', '--yes')).code).toBe(0);
  expect((await ojs.run('workers', 'show', 'mailer-1')).output).toMatch(/^told +terminate$/m);
  expect(await ojs.run('workers', 'remove', 'mailer-1', '--yes')).toMatchObject({
    code: 1,
    errors: expect.stringContaining('has not missed its heartbeat deadline'),
  });
  expect((await ojs.run('workers', 'remove', 'mailer-1', '--force', '--yes')).output).toBe(
    'Worker mailer-1 is removed. Its jobs go on as after a crash: available, retryable or discarded.\n',
  );
  expect((await ojs.run('workers', 'list')).output).toBe('No workers.\n');
});

test('schemas: registered from a file, listed, shown and deleted', async () => {
  await using one = await asked();
  const { ojs } = one;
  const file = join(ojs.home, 'schema.json');
  writeFileSync(file, '{"type": "array", "maxItems": 1.0e0}');
  const uri = 'urn:mail';
  expect((await ojs.run('schemas', 'register', uri, 'email.send', '1.0.0', file)).output).toBe(
    'Schema urn:mail is registered.\n',
  );
  expect((await ojs.run('schemas', 'list')).output).toMatch(/^urn:mail +email.send +1.0.0 +\w+ +\d+s$/m);
  expect((await ojs.run('schemas', 'show', uri)).output).toContain('"maxItems": 1.0e0');
  expect((await ojs.run('schemas', 'delete', uri, '--yes')).output).toBe('Schema urn:mail is deleted.\n');
  writeFileSync(file, '[]');
  expect(await ojs.run('schemas', 'register', uri, 'email.send', '1.0.0', file)).toMatchObject({
    code: 2,
    errors: `ojs schemas register: ${file}: expected a JSON Schema, an object.\n`,
  });
});

test('a job is explained: what holds it back and what helps, as text and as data', async () => {
  await using one = await asked();
  const { ojs, client, server } = one;
  await using transport = httpTransport(server.url);
  const job = await client.enqueue('a.b', [], { queue: 'mail' });
  const about = { worker_id: 'w\u202e', queues: ['mail'], state: 'quiet', concurrency: 3, active_jobs: [], leases: {} };
  await transport.call({ operation: 'worker.heartbeat', body: JSON.stringify(about) });
  await client.pauseQueue('mail');
  expect(steady((await ojs.run('explain', job.id)).output)).toMatchInlineSnapshot(`
    "The job is available: its queue is paused, and no live worker is known to read its queue.

    queue_paused: Queue mail is paused since TIME.
    since  TIME (0s)
    what helps  Resume the queue.

    no_worker: No live worker is known to read queue mail: 1 quiet.
    worker  w\\u202e, quiet, seen TIME (0s), jobs 0, slots 3
    what helps  Start a worker that reads the queue.
    "
  `);
  expect(JSON.parse((await ojs.run('explain', job.id, '--json')).output)).toMatchObject({
    job_id: job.id,
    reasons: [{ code: 'queue_paused' }, { code: 'no_worker' }],
    next_start_at: null,
  });
  const later = await client.enqueue('a.b', [], { delay: '1h' });
  expect((await ojs.run('explain', later.id)).output).toMatch(/\n\nnext start +\S+Z \(in 59m\)\n$/);
  const { id } = await client.workflow(
    chain('steps', [
      { type: 'first.step', args: [] },
      { type: 'second.step', args: [] },
    ]),
  );
  expect((await ojs.run('explain', id, '--step', '1')).output).toMatch(/^step +0, available, job [0-9a-f-]{36}$/m);
  expect(await ojs.run('explain', id)).toMatchObject({ code: 3 });
});

test('the history of a job is a table, and data for a program', async () => {
  await using one = await asked();
  const { ojs, client, server } = one;
  await using transport = httpTransport(server.url);
  const job = await client.enqueue('a.b', [], { queue: 'mail', retry: { maxAttempts: 1 } });
  await transport.call({ operation: 'worker.fetch', body: '{"queues":["mail"],"worker_id":"w1"}' });
  const failure = { job_id: job.id, error: { code: 'oops', type: 'Oops', message: 'no route' } };
  await transport.call({ operation: 'worker.nack', body: JSON.stringify(failure) });
  const { output } = await ojs.run('jobs', 'history', job.id);
  expect(output.replaceAll(/\d{4}-\S+Z/g, 'TIME').replaceAll(/ +/g, ' ')).toMatchInlineSnapshot(`
    "TIME EVENT BY DETAIL
    TIME job.created client
    TIME job.state_changed system available to active
    TIME job.attempt_started worker w1 attempt 1
    TIME job.attempt_failed worker w1 attempt 1, Oops: no route
    TIME job.state_changed worker w1 active to discarded
    TIME job.discarded system no route
    "
  `);
  expect(JSON.parse((await ojs.run('jobs', 'history', job.id, '--json')).output)).toMatchObject({ total: 6 });
  expect(await ojs.run('jobs', 'history', '01900000-0000-7000-8000-000000000001')).toMatchObject({ code: 3 });
});
