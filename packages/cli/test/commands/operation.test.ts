import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { chain, httpTransport } from '@ojs-ts/sdk';
import { expect, test } from 'vitest';
import { testWith } from '../../../core/test/support/test-with.ts';
import { answering } from '../support/answering.ts';
import { asked, Ojs, steady } from '../support/ojs.ts';
import { fail } from '../support/work.ts';

const it = testWith(asked);

it('a misspelled queue or limit is refused with the nearest name, and created only by --create', async (one) => {
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
    expect(errors).toMatch(
      /Did you mean (orders|mail:customer:42)\? --create creates it\.\n {2}List them with ojs \w+ list /,
    );
  }
  expect((await ojs.run('queues', 'list')).output).not.toContain('ordrs');
  expect(await ojs.run('queues', 'pause', 'ordrs', '--create')).toMatchObject({ code: 0 });
  expect((await ojs.run('queues', 'list')).output).toMatch(/^ordrs +paused +0 /m);
  expect((await ojs.run('limits', 'override', 'mail:customer:42', '--concurrency', '0')).output).toMatch(
    /running +0\/0/,
  );
  expect((await ojs.run('enqueue', 'Hello')).errors).toContain('got "Hello"');
});

test.each([
  ['queues', 'drain', 'mail', '--timeout', '0s'],
  ['maintenance', 'on', '--for', '0s'],
])('%s %s: no time at all is refused', async (...args) => {
  await using one = await asked();
  const { code, errors } = await one.ojs.run(...args);
  expect({ code, errors }).toMatchObject({
    code: 2,
    errors: expect.stringContaining('Expected a duration above 0, such as 90s, 2h or 7d.'),
  });
});

it('a queue is drained: waited for, with a time to give up, and paused when it is empty', async (one) => {
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

it('cron jobs: a change of one part keeps the others and a pause; one that never runs is marked', async (one) => {
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
  expect((await ojs.run('cron', 'trigger', 'report')).code).toBe(0);
  expect((await ojs.run('cron', 'runs', 'report')).output).toMatch(/ late +available +0\/3 +\d+s\n$/);
  await client.resumeCronJob('report');
  expect((await ojs.run('cron', 'list')).output).toMatch(/ never runs .*1$/m);
  expect((await ojs.run('cron', 'change', 'report', '--args', '[1.0]', '--description', '')).output).toContain(
    'its expression matches no time, so it never runs',
  );
  expect((await client.getCronJob('report')).description).toBeUndefined();
  expect(await ojs.run('cron', 'change', 'report')).toMatchObject({ code: 2 });
  expect((await ojs.run('cron', 'change', 'report', '--cron', '@every 500ms')).errors).toContain('at least 1s');
});

it('errors: counted by fingerprint, which finds, retries and purges the jobs of one of them', async (one) => {
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

it('limits: what holds back the most comes first, over all pages, and keys are found by a part', async (one) => {
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

it('a queue is purged by state and age', async ({ ojs, client }) => {
  await client.enqueueBatch(Array.from({ length: 3 }, () => ({ type: 'a.b', args: [], queue: 'mail' })));
  expect(await ojs.run('queues', 'purge', 'mail', '--state', 'availabel', '--yes')).toMatchObject({ code: 2 });
  expect(await ojs.run('queues', 'purge', 'mail', '--state', 'available')).toMatchObject({ code: 2 });
  expect(await ojs.run('stats', '--queue', 'mail')).toMatchObject({ code: 2 });
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

it('events are printed as they happen', async ({ ojs, client }) => {
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

it('what a worker says of itself does not steer the terminal', async (one) => {
  await using transport = httpTransport(one.server.url);
  const about = { worker_id: 'w', hostname: 'h\u001b[2J', queues: ['q\u009b2J', 'x\u202e'], concurrency: 1 };
  await transport.call({ operation: 'worker.register', body: JSON.stringify(about) });
  const { output } = await one.ojs.run('workers', 'list');
  expect(output).toContain('h\\u001b[2J');
  expect(output).not.toMatch(/[\p{Bidi_Control}]|(?!\n)\p{Cc}/u);
  await one.ojs.run('workers', 'stop', 'w', '--yes');
  expect((await one.ojs.run('workers', 'show', 'w')).output).toMatch(/^told +terminate$/m);
});

it('a failed workflow is retried and goes on, or is run again as a new one', async ({ ojs, client, server }) => {
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
  expect((await ojs.run('workflows', 'list', '--state', 'failed')).output).toBe('No workflows.\n');
  const { output } = await ojs.run('workflows', 'rerun', id);
  const [, started = ''] = /^Workflow (\S+) was started with the steps of workflow (\S+)\.$/m.exec(output) ?? [];
  const again = await client.getWorkflow(started);
  expect(again.id).not.toBe(id);
  expect(again.steps.map(({ type, state }) => [type, state])).toEqual([
    ['pay.charge', 'pending'],
    ['ship.send', 'waiting'],
  ]);
});

it('schemas: registered from a file, listed, shown and deleted', async ({ ojs }) => {
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

it('a job is explained: what holds it back and what helps, as text and as data', async ({ ojs, client, server }) => {
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
