// One script of calls on a fake and on a real server in memory: the answers are the same, but for ids.
import { type Answer, type Call, manualClock, uuidv7 } from '@ojs-ts/core';
import { type OperationName, operationNames } from '@ojs-ts/core/operations';
import { openEmbedded } from '@ojs-ts/server';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Admin, batch, Client, chain, dag, group, type JobRequest, type UniquePolicy } from '../../src/index.ts';
import { MemoryStore } from '../../src/testing/memory-store.ts';
import { Faulty } from '../support/faulty.ts';

/** With ids in the order in which they come up. Both sides have the same time. */
function normalised(text: string, ids: Map<string, string>): unknown {
  const plain = text
    .replace(/req_[0-9a-f-]{36}/g, 'REQUEST')
    .replace(/evt_[0-9a-f-]{36}/g, 'EVENT')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, (id) => {
      if (!ids.has(id)) ids.set(id, `id ${ids.size}`);
      return ids.get(id) ?? id;
    });
  return JSON.parse(plain);
}

interface Side {
  answer(call: Call): Promise<Answer>;
  readonly ids: Map<string, string>;
}

interface Both extends AsyncDisposable {
  call(call: Call): Promise<unknown>;
  ask(call: Call): Promise<Answer>;
  askFake(call: Call): Promise<Answer>;
  /** Moves the time of both, and lets the server do what is due. */
  advance(ms: number): Promise<void>;
}

/** Sends each call to both and compares what comes back. */
async function both(from = '2026-01-01T00:00:00Z'): Promise<Both> {
  const clock = manualClock(Date.parse(from));
  const embedded = await openEmbedded('memory:', { clock, upkeep: 'manual' });
  const store = new MemoryStore('fake');
  store.freezeTime(new Date(clock.now()));
  const real: Side = { answer: (call) => embedded.call(call), ids: new Map() };
  const fake: Side = { answer: async (call) => store.answer(call), ids: new Map() };
  return {
    async call(call) {
      const [expected, actual] = [await real.answer(call), await fake.answer(call)];
      const shown = ({ status, text }: Answer, { ids }: Side) => ({ status, body: normalised(text, ids) });
      expect({ call, ...shown(actual, fake) }).toEqual({ call, ...shown(expected, real) });
      expect(actual.headers.location === undefined).toBe(expected.headers.location === undefined);
      return JSON.parse(expected.text);
    },
    ask: real.answer,
    askFake: fake.answer,
    async advance(ms) {
      clock.advance(ms);
      store.advanceTime(ms);
      await embedded.engine.upkeep.run();
    },
    async [Symbol.asyncDispose]() {
      await embedded[Symbol.asyncDispose]();
    },
  };
}

/** The calls that a client makes for a script of it. */
async function callsOf(script: (client: Client, admin: Admin) => Promise<void>): Promise<readonly Call[]> {
  const embedded = await openEmbedded('memory:');
  const wire = new Faulty(embedded);
  const client = new Client(wire);
  const admin = new Admin(wire);
  await script(client, admin);
  await Promise.all([client.close(), admin.close()]);
  await embedded[Symbol.asyncDispose]();
  return wire.calls.filter(({ operation }) => operation !== 'system.manifest');
}

const refused = (work: Promise<unknown>) => expect(work).rejects.toThrow();
const unique: UniquePolicy = { keys: ['type', 'args'] };

/** What a Client can ask, refusals too; and what an Admin can ask that the fake answers. */
async function everything(client: Client, admin: Admin): Promise<void> {
  const first = await client.enqueue('email.send', ['a', { b: [1, null], a: 'é' }], {
    queue: 'email',
    meta: { tenant: 't', n: 1 },
    priority: 7,
    tags: ['x'],
    timeout: '30s',
    visibilityTimeoutMs: 60_000,
    retry: { maxAttempts: 5, initialInterval: '2s', nonRetryableErrors: ['a.*'], onExhaustion: 'dead_letter' },
    expiresAt: '2027-01-01T00:00:00Z',
  });
  const later = await client.enqueue('email.send', ['later'], { scheduledAt: '2026-06-01T00:00:00Z' });
  await client.enqueue('email.send', ['due'], { scheduledAt: '2025-06-01T00:00:00Z' });
  await client.getJob(first.id);
  await client.cancelJob(later.id);
  await refused(client.cancelJob(later.id));
  await refused(client.getJob('nonsense'));
  await refused(client.getJob(uuidv7()));
  await refused(client.enqueue('email.send', ['other'], { id: first.id }));
  for (const onConflict of ['reject', 'ignore', 'replace', 'replace_except_schedule'] as const) {
    const options = {
      unique: { ...unique, onConflict },
      queue: `q-${onConflict.replaceAll('_', '-')}`,
      scheduledAt: '2026-03-01T00:00:00Z',
    };
    await client.enqueue('unique.job', [onConflict], options);
    await client.enqueue('unique.job', [onConflict], { ...options, meta: { second: true } }).catch(() => {});
  }
  await client.enqueueBatch([
    { type: 'a.job', args: [1] },
    { type: 'a.job', args: [2], queue: 'b' },
  ]);
  await refused(
    client.enqueueBatch([
      { type: 'a.job', args: [3], unique },
      { type: 'a.job', args: [3], unique },
    ]),
  );
  await refused(client.enqueueBatch([{ type: 'a.job', args: [4], unique: { keys: ['args'], argsKeys: ['none'] } }]));
  await Promise.all([
    client.enqueue('c.job', [1]),
    client.enqueue('c.job', [2], { unique }),
    client.enqueue('c.job', [2], { unique }).catch(() => {}),
  ]);
  await client.listQueues();
  await client.queueStats('email');
  await client.queueStats('nobody');
  await client.pauseQueue('email');
  await client.enqueue('email.send', ['paused'], { queue: 'email' });
  await client.queueStats('email');
  await client.resumeQueue('email');
  await client.pauseQueue('new-one');
  await client.registerCronJob('daily', '0 9 * * *', 'report.send', ['x'], {
    timezone: 'Europe/Berlin',
    queue: 'reports',
  });
  await client.registerCronJob('daily', '0 10 * * *', 'report.send');
  await client.registerCronJob('every', '@every 5m', 'report.send');
  await refused(client.registerCronJob('bad', 'nonsense', 'report.send'));
  await client.listCronJobs();
  await client.listCronJobs({ limit: 1, offset: 1 });
  await client.registerCronJob('whole', '0 1 * * *', 'report.send', ['x'], {
    description: 'for people',
    limits: [{ key: 'reports', concurrency: 1, spacing: '1s' }],
    unique: { keys: ['type'] },
    resultTtl: '1h',
    enqueueTtl: '10m',
    timeout: '1m',
    tags: ['t'],
  });
  await client.getCronJob('whole');
  await refused(client.getCronJob('none'));
  await client.updateCronJob('whole', { cron: '0 2 * * *', timezone: 'Asia/Tokyo' });
  await client.updateCronJob('whole', { enabled: false });
  await refused(client.updateCronJob('whole', { cron: 'nonsense' }));
  await client.triggerCronJob('whole');
  await client.triggerCronJob('every');
  await client.cronRuns('whole');
  await client.resumeCronJob('whole');
  await client.cronRuns('whole', { count: 3 });
  await client.cronRuns('every', { count: 2 });
  await client.pauseCronJob('whole');
  await client.unregisterCronJob('daily');
  await client.unregisterCronJob('daily').catch(() => {});
  await client.registerSchema('urn:x:v1', 'report.send', '1.0.0', { type: 'array' });
  await client.registerSchema('urn:x:v2', 'report.send', '2.0.0', { type: 'array', items: { type: 'string' } });
  await client.registerSchema('urn:x:v2', 'report.send', '3.0.0', { type: 'array' }).catch(() => {});
  await client.listSchemas();
  await client.getSchema('urn:x:v2');
  await refused(client.getSchema('urn:x:v9'));
  await client.deleteSchema('urn:x:v1');
  await client.listDeadLetterJobs();
  await refused(client.retryDeadLetterJob(first.id));
  await client.deleteDeadLetterJob(first.id).catch(() => {});
  const step = (type: string): JobRequest => ({ type, args: [type] });
  const inner = chain('inner', [step('n.one'), step('n.two')]);
  const running = await client.workflow(
    chain('pipeline', [step('s.one'), group('both', [step('s.two'), inner]), step('s.three')]),
  );
  await client.workflow(group('pair', [step('g.one'), step('g.two')]));
  await client.workflow(
    batch('bulk', [step('b.one'), step('b.two')], { onComplete: step('b.done'), onFailure: step('b.failed') }),
  );
  const graph = await client.workflow(
    dag('graph', { one: { job: step('d.one') }, two: { job: step('d.two'), after: ['one'] } }),
  );
  await client.workflow(
    group('held', [
      { ...step('u.one'), unique },
      { ...step('u.one'), unique },
    ]),
  );
  await client.listWorkflows();
  await client.listWorkflows({ state: 'cancelled' });
  await client.getWorkflow(running.id);
  await client.cancelWorkflow(graph.id);
  await refused(client.cancelWorkflow(graph.id));
  await refused(client.retryWorkflow(graph.id));
  await refused(client.retryWorkflow(running.id));
  await refused(client.retryWorkflow(uuidv7()));
  await refused(client.getWorkflow(uuidv7()));
  const pending = await client.enqueue('p.job', [], { pending: true });
  await client.getProgress(pending.id);
  await client.activateJob(pending.id);
  await refused(client.activateJob(pending.id));
  await client.signal(pending.id, 'approval', { approved: true }, { id: 's-1' });
  await client.signal(pending.id, 'approval', null, { id: 's-1' });
  await client.signalToken('order:1', [1], { id: 's-2', queue: 'other', expires: '1d' });
  await refused(client.signal(uuidv7(), 'approval', 1, { id: 's-3' }));
  await admin.listMailboxes({ limit: 1 });
  await refused(admin.wake(pending.id));
  await refused(admin.wake(uuidv7(), { names: ['approval'] }));
  await refused(admin.undo(pending.id));
  await refused(admin.undo(uuidv7()));
  await admin.discardJob(pending.id);
  await refused(admin.undo(pending.id));
  await refused(admin.rerunJob(pending.id, { fromStep: 'charge' }));
  await refused(client.signal(pending.id, 'approval', 1, { id: 's-4' }));
  await refused(admin.discardJob(pending.id));
  await admin.listJobs({ state: ['discarded', 'cancelled'] });
  await admin.listJobs({ type: 'p.*', errorType: 'discarded' });
  await admin.retryJobs([pending.id, pending.id, 'nonsense']);
  const many = await client.enqueueBatch(
    [1, 2, 3, 4].map((n) => ({ type: 'm.job', args: [n], queue: 'many', priority: n % 2, meta: { n } })),
  );
  const ids = many.map(({ id }) => id);
  await admin.cancelJobs([...ids.slice(0, 1), uuidv7()]);
  await admin.cancelJobs({ queue: 'many', priority: 1, meta: { n: 3 } });
  await admin.cancelJobs({ queue: 'many', createdAfter: '2030-01-01T00:00:00Z' });
  await admin.cancelJobs({ queue: 'many', type: 'm.*', enqueuedBefore: '2030-01-01T00:00:00Z' });
  await admin.retryJobs({ queue: 'many' });
  await admin.deleteJobs(ids.slice(0, 2));
  await admin.deleteJobs({ queue: 'many', state: 'cancelled' });
  await admin.deleteJobs(ids.slice(0, 1));
  await admin.deadLetterStats();
  await admin.listDeadLetterJobs({ includeDiscarded: true });
  await refused(admin.getDeadLetterJob(pending.id));
  await refused(admin.deleteCheckpoint(uuidv7()).then(() => Promise.reject(new Error('it was not there'))));
}

test('the fake answers a client’s calls as a server does', async () => {
  const calls = await callsOf(everything);
  await using sides = await both();
  for (const call of calls) await sides.call(call);
  for (const call of rest(uuidv7(), uuidv7(), uuidv7())) await sides.call(call);
  const compared = new Set([...calls, ...rest('', '', '')].map(({ operation }) => operation));
  const answered = operationNames.filter((operation) => {
    const { text } = new MemoryStore('fake').answer({
      operation,
      params: { id: 'x', name: 'x', key: 'x' },
      body: '{}',
    });
    return !text.includes('is not answered in fake and inline mode');
  });
  // The fake has its own health and manifest. Another test compares the events: the cursors of a server have times.
  // Only workers record steps.
  const others = ['event.list', 'system.health', 'system.manifest', 'worker.steps', 'job.steps'];
  expect(new Set([...compared, ...others])).toEqual(new Set(answered));
});

/** Requests of the operations that no method of the script above sends, refusals too. */
function rest(dead: string, job: string, workflow: string): readonly Call[] {
  const call = (operation: OperationName, params: Record<string, string> = {}, body?: object): Call => ({
    operation,
    params,
    ...(body && { body: JSON.stringify(body) }),
  });
  const schema = { schema: { type: 'array' } };
  const version = { key: 'r.job', version: '2' };
  return [
    call('job.enqueue', {}, { id: dead, type: 'r.job', args: [] }),
    call('job.discard', { id: dead }),
    call('job.retry', { id: dead }),
    call('job.retry', { id: dead }),
    call('job.result', { id: uuidv7() }),
    call('job.cancel', { id: dead }),
    call('job.result', { id: dead }),
    call('job.results', {}, { ids: [dead, 'x'] }),
    call('job.rerun', { id: dead }, { id: job, args: [2] }),
    call('job.rerun', { id: job }),
    call('job.rerun', { id: dead }, { args: [2], meta: { by: 'ops' }, priority: 1 }),
    call('job.edit', { id: job }, { scheduled_at: '2027-01-01T00:00:00Z' }),
    call('job.edit', { id: job }, { args: [3], priority: 3, timeout: 9 }),
    call('job.edit', { id: job }, { scheduled_at: 'now' }),
    call('job.edit', { id: job }, { priority: 1_000 }),
    call('job.checkpoint', { id: job }),
    call('job.saveCheckpoint', { id: job }, { state: 1 }),
    call('job.deleteCheckpoint', { id: job }),
    call('job.reportProgress', { id: job }, { progress: 0.5 }),
    call('worker.progress', {}, { job_id: job, progress: 50 }),
    call('queue.get', { name: 'none' }),
    call('cron.preview', {}, { expression: '0 9 * * *', timezone: 'Europe/Berlin', count: 2 }),
    call('cron.preview', {}, { expression: 'nonsense' }),
    call('deadLetter.retryMany', {}, { ids: [dead] }),
    call('deadLetter.retryMany', {}, { filter: {} }),
    call('deadLetter.purge', {}, { confirm: true, filter: { queue: 'none' } }),
    call('schema.put', { key: 'r.job', version: '1' }, schema),
    call('schema.put', version, { ...schema, mode: 'warn' }),
    call('schema.put', version, schema),
    call('schema.put', { key: 'R job', version: 'x' }, { schema: 1, mode: 'none', uri: 'x' }),
    call('schema.versions', { key: 'r.job' }),
    call('schema.versions', { key: 'none' }),
    call('schema.getVersion', version),
    call('schema.getFlat', { key: 'r.job' }),
    call('schema.getVersionFlat', version),
    call('schema.deleteVersion', version),
    call('schema.deleteVersion', version),
    call('workflow.create', {}, { id: workflow, type: 'chain', name: 'again', steps: [{ type: 'r.job', args: [] }] }),
    call('workflow.results', { id: workflow }),
    call('workflow.results', { id: uuidv7() }),
    call('workflow.rerun', { id: workflow }),
    call('workflow.rerun', { id: uuidv7() }),
  ];
}

const envelope = (type: string, more: object = {}) => JSON.stringify({ type, args: [], ...more });

test('raw calls: ids of the server, pending jobs, lists, bad bodies, the other dialect of workflows', async () => {
  await using sides = await both();
  const enqueue = (body: string) => sides.call({ operation: 'job.enqueue', body });
  await enqueue(envelope('a.job'));
  await enqueue(envelope('a.job', { options: { pending: true } }));
  for (const bad of [
    '',
    '[]',
    '{',
    '{}',
    envelope('A job'),
    envelope('a.job', { args: 3, priority: 1.5 }),
    envelope('a.job', { queue: 'Ä' }),
  ])
    await enqueue(bad);
  await enqueue(envelope('a.job', { retry: { max_attempts: -1 } }));
  const id = uuidv7();
  await enqueue(envelope('a.job', { id, state: 'pending' }));
  await enqueue(envelope('a.job', { id }));
  await sides.call({ operation: 'job.activate', params: { id } });
  await sides.call({ operation: 'job.cancel', params: { id }, idempotencyKey: 'k' });
  await sides.call({ operation: 'job.results', body: JSON.stringify({ ids: [id, uuidv7(), 'x'] }) });
  await sides.call({ operation: 'job.progress', params: { id } });
  await sides.call({ operation: 'job.checkpoint', params: { id } });
  await sides.call({ operation: 'job.reportProgress', params: { id }, body: '{"progress":0.5}' });
  await sides.call({ operation: 'job.saveCheckpoint', params: { id }, body: '{"state":1}' });
  for (const atomicity of ['atomic', 'partial', 'other']) {
    const jobs = [{ type: 'a.job', args: [atomicity] }, { type: 'B' }, { type: 'a.job', args: [], id }];
    await sides.call({ operation: 'bulk.enqueue', body: JSON.stringify({ atomicity, jobs }) });
    await sides.call({
      operation: 'bulk.enqueue',
      body: JSON.stringify({ atomicity, return: 'job', jobs: [jobs[0], jobs[0]] }),
    });
  }
  await sides.call({
    operation: 'job.enqueueBatch',
    body: JSON.stringify({ jobs: [{ type: 'a.job', args: [], id: uuidv7() }, { type: 'B' }] }),
  });
  await sides.call({ operation: 'job.enqueueBatch', body: JSON.stringify({ jobs: [] }) });
  await sides.call({ operation: 'queue.get', params: { name: 'none' } });
  await sides.call({ operation: 'queue.pause', params: { name: 'Ä' } });
  await sides.call({ operation: 'queue.list', query: { limit: 0 } });
  const steps = [
    { id: 'one', type: 'w.one', args: [] },
    { id: 'two', type: 'w.two', args: [], depends_on: ['one'] },
  ];
  await sides.call({ operation: 'workflow.create', body: JSON.stringify({ name: 'foreign', steps }) });
  await sides.call({
    operation: 'workflow.create',
    body: JSON.stringify({ name: 'foreign', steps: [{ id: 'one', type: 'w.one', depends_on: ['none'] }] }),
  });
  await sides.call({ operation: 'workflow.create', body: '{}' });
});

test('lists, filters and bulk operations: the same order, pages, refusals and events', async () => {
  await using sides = await both();
  const ids = Array.from({ length: 5 }, () => uuidv7());
  for (const [index, id] of ids.entries()) {
    const body = envelope('a.job', { id, meta: { n: index }, options: { priority: index, queue: `q${index % 2}` } });
    await sides.call({ operation: 'job.enqueue', body });
    await sides.advance(1_000);
  }
  await sides.call({ operation: 'job.discard', params: { id: ids[3] ?? '' } });
  await sides.call({ operation: 'job.cancel', params: { id: ids[1] ?? '' } });
  const lists = [
    {},
    { limit: 2 },
    { limit: 2, offset: 1 },
    { page: 2, per_page: 2 },
    { state: 'available,discarded', queue: 'q1' },
    { states: 'cancelled' },
    { type: 'a.*', since: '2026-01-01T00:00:02Z' },
    { state: 'nonsense' },
    { since: 'yesterday' },
    { limit: 'many' },
    { cursor: 'nonsense' },
    { q: 'queue:q1' },
    { q: 'state:finished -args[0]:1', limit: 1 },
    { q: `id:${ids[1]},${ids[3]}` },
    { q: 'state:active state:pending' },
    { q: 'stat:active' },
  ];
  for (const query of lists) await sides.call({ operation: 'job.list', query });
  let cursor: string | undefined;
  do {
    const page = await sides.call({ operation: 'job.list', query: { limit: 2, cursor } });
    cursor = (page as { readonly pagination: { readonly next_cursor?: string } }).pagination.next_cursor;
  } while (cursor !== undefined);
  for (const query of [{ include: 'discarded' }, { include: 'all' }, { older_than: 'P1X' }])
    await sides.call({ operation: 'deadLetter.list', query });
  const bulk = async (operation: Call['operation'], body: object) =>
    sides.call({ operation, body: JSON.stringify(body) });
  await bulk('bulk.cancel', { filter: { priority: 2.5 } });
  await bulk('bulk.cancel', { filter: { state: ['nonsense'] } });
  await bulk('bulk.cancel', { job_ids: ['x', ids[0], ids[0], ids[3]] });
  await bulk('bulk.retry', { filter: { meta: { n: 3 } } });
  await bulk('bulk.delete', { job_ids: ids, atomicity: 'atomic' });
  await bulk('bulk.delete', { filter: {} });
  await bulk('bulk.enqueue', { jobs: [{ type: 'a.job', args: [] }] });
  await bulk('deadLetter.retryMany', { filter: {} });
  await bulk('deadLetter.purge', { confirm: 'perhaps' });
  await sides.call({ operation: 'cron.list', query: { enabled: 'perhaps' } });
  const kinds = async (answer: Promise<Answer>) => {
    const { events }: { events: { readonly event: string }[] } = JSON.parse((await answer).text);
    return events.map(({ event }) => event);
  };
  const call: Call = { operation: 'event.list', query: { types: 'bulk.*' } };
  expect(await kinds(sides.askFake(call))).toEqual(await kinds(sides.ask(call)));
});

test('the fake and the server report the same events', async () => {
  await using sides = await both();
  const id = uuidv7();
  await sides.call({ operation: 'job.enqueue', body: envelope('a.job', { id, priority: 3 }) });
  await sides.call({ operation: 'job.cancel', params: { id } });
  await sides.call({ operation: 'queue.pause', params: { name: 'default' } });
  const own = (text: string) => {
    const { events } = JSON.parse(text);
    return JSON.stringify(events.map(({ source, id, ...event }: { source: string; id: string }) => event));
  };
  const store = new MemoryStore('fake');
  expect(own(store.answer({ operation: 'event.list' }).text)).toBe('[]');
  const real = JSON.parse(own((await sides.ask({ operation: 'event.list' })).text));
  store.freezeTime('2026-01-01T00:00:00Z');
  store.answer({ operation: 'job.enqueue', body: envelope('a.job', { id, priority: 3 }) });
  store.answer({ operation: 'job.cancel', params: { id } });
  store.answer({ operation: 'queue.pause', params: { name: 'default' } });
  expect(JSON.parse(own(store.answer({ operation: 'event.list' }).text))).toEqual(real);
});

test.each([
  // Two ticks, an hour's outage, less than one tick.
  ['2026-01-01T00:00:00Z', [10, 10, 60, 3]],
  // The nights in which Berlin's clocks go forward, and back.
  ['2026-03-28T22:05:00Z', [240, 1_440]],
  ['2026-10-24T22:05:00Z', [240, 1_440]],
] as const)(
  'crons fire as on a server, by every overlap policy, over outages and changes of the clocks: from %s',
  async (from, steps) => {
    await using sides = await both(from);
    const cron = (name: string, more: object) => {
      const body = { name, cron: '*/10 * * * *', type: 'report.send', args: [name], options: { queue: name }, ...more };
      return sides.call({ operation: 'cron.register', body: JSON.stringify(body) });
    };
    const policies = ['skip', 'allow', 'cancel_previous', 'enqueue'];
    for (const overlap_policy of policies) await cron(overlap_policy.replaceAll('_', '-'), { overlap_policy });
    await cron('zoned', { cron: '30 2 * * *', timezone: 'Europe/Berlin', overlap_policy: 'allow' });
    await cron('held', {
      overlap_policy: 'allow',
      options: { queue: 'held', unique: { keys: ['type', 'queue'], on_conflict: 'reject' } },
    });
    await cron('quick', { cron: '@every 90s', enabled: false });
    for (const minutes of steps) {
      await sides.advance(minutes * 60_000);
      await sides.call({ operation: 'cron.list' });
      for (const queue of [...policies.map((policy) => policy.replaceAll('_', '-')), 'zoned', 'held', 'quick']) {
        await sides.call({ operation: 'queue.stats', params: { name: queue } });
        await sides.call({ operation: 'job.list', query: { queue } });
      }
    }
  },
);

test('the fake refuses unsupported operations with a reason', () => {
  const { status, text } = new MemoryStore('fake').answer({
    operation: 'queue.configure',
    params: { name: 'a' },
    body: '{}',
  });
  expect(status).toBe(422);
  expect(text).toContain('queue.configure is not answered in fake and inline mode; use realMode() to test it.');
});

test('unique jobs: any sequence of enqueues, batches and cancellations goes as on a server', async () => {
  const itemWith = (...conflicts: string[]) =>
    fc.record({
      type: fc.constantFrom('a.job', 'b.job'),
      args: fc.constantFrom([1], [2]),
      queue: fc.constantFrom('x', 'y'),
      unique: fc.option(
        fc.record({
          keys: fc.constantFrom(['type'], ['type', 'args'], ['type', 'queue'], ['type', 'args', 'queue']),
          on_conflict: fc.constantFrom(...conflicts),
          states: fc.constantFrom(undefined, ['available'], ['scheduled', 'available'], ['cancelled', 'available']),
        }),
        { nil: undefined },
      ),
      scheduled_at: fc.option(fc.constant('2026-06-01T00:00:00Z'), { nil: undefined }),
    });
  const item = itemWith('reject', 'ignore', 'replace', 'replace_except_schedule');
  const action = fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('one' as const), item }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('batch' as const),
        items: fc.array(item, { minLength: 1, maxLength: 4 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), at: fc.nat(10) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 15 }), async (actions) => {
      await using sides = await both();
      const ids: string[] = [];
      const withId = (job: object) => {
        const id = uuidv7();
        ids.push(id);
        return { id, ...job };
      };
      for (const one of actions) {
        if (one.kind === 'one') await sides.call({ operation: 'job.enqueue', body: JSON.stringify(withId(one.item)) });
        if (one.kind === 'batch')
          await sides.call({ operation: 'job.enqueueBatch', body: JSON.stringify({ jobs: one.items.map(withId) }) });
        if (one.kind === 'cancel')
          await sides.call({
            operation: 'job.cancel',
            params: { id: ids[one.at % Math.max(1, ids.length)] ?? 'none' },
          });
      }
      for (const id of ids) await sides.call({ operation: 'job.get', params: { id } });
    }),
    { numRuns: 60 },
  );
});
