import { join } from 'node:path';
import { batch, Client, chain, httpTransport } from '@ojs-ts/sdk';
import { expect } from 'vitest';
import { fail } from '../support/work.ts';

/** What the calls of a scene name. */
export interface Names {
  readonly home: string;
  readonly storage: string;
  readonly waiting: string;
  /** Its handler waits for a signal, and for another one under a token. */
  readonly asleep: string;
  readonly wanted: string;
  readonly failed: string;
  readonly done: string;
  readonly chain: string;
  readonly batch: string;
  readonly dead: string;
  readonly entry: string;
  /** A bulk operation that has cancelled two jobs. */
  readonly bulk: string;
  /** One that was stopped after its first job, and does not get to the next one. */
  readonly slow: string;
}

/** The calls of a command, each as its words behind the command. `both` also runs them on a terminal. */
export interface Scene {
  readonly both?: true;
  readonly calls: readonly (readonly string[])[];
}

/** Commands that run until they are stopped. Their help is checked. */
export const endless = ['serve', 'dev', 'events tail'];

/** A heartbeat of the worker in the store. */
export const mailer = {
  worker_id: 'mailer-1',
  hostname: 'web-7',
  queues: ['mail'],
  concurrency: 10,
  load: { rss_bytes: 98_566_144, heap_used_bytes: 25_165_824, event_loop_lag_ms: 3 },
};

/** Fills a store: jobs in most states, workers, crons, workflows, limits, settings with a history. */
export async function prepare(url: string, home: string, storage: string): Promise<Names> {
  await using client = new Client(url);
  await using wire = httpTransport(url);
  const ask = async (operation: Parameters<typeof wire.call>[0]['operation'], body: object, params = {}) => {
    const { status, text } = await wire.call({ operation, body: JSON.stringify(body), params });
    if (status >= 400) throw new Error(text);
    return JSON.parse(text);
  };
  await fail(url, 3, 'CardDeclined');
  await fail(url, 2, 'Timeout', 'dead_letter');
  const failing = await client.enqueue('pay.now', [{ user: 7 }], { queue: 'pay', retry: { maxAttempts: 1 } });
  const [claimed] = (await ask('worker.fetch', { queues: ['pay'], worker_id: 'till' })).jobs;
  await ask('worker.nack', { job_id: claimed.id, error: { type: 'Refused', message: 'The bank refused the card.' } });
  await client.enqueue('done.job', [1, 'two', { three: 3 }], { queue: 'done' });
  const [acked] = (await ask('worker.fetch', { queues: ['done'], worker_id: 'till' })).jobs;
  await ask('worker.ack', { job_id: acked.id, result: { sum: 12 } });
  const limits = [{ key: 'tenant:acme', concurrency: 1 }];
  const wanted = await client.enqueue('mail.send', [{ user: 42 }], { queue: 'mail', meta: { tenant: 'acme' }, limits });
  await ask('worker.fetch', { queues: ['mail'], worker_id: 'mailer-1' });
  await ask('worker.heartbeat', { ...mailer, active_jobs: [wanted.id] });
  const waiting = await client.enqueue('mail.send', [{ user: 43 }], {
    queue: 'mail',
    meta: { tenant: 'acme' },
    limits,
  });
  await client.enqueue('mail.send', [], { queue: 'mail', meta: { tenant: 'other' }, priority: 5 });
  const asleep = await client.enqueue('order.ship', ['o-17'], { queue: 'orders' });
  const [order] = (await ask('worker.fetch', { queues: ['orders'], worker_id: 'shipper', steps: true })).jobs;
  const rows = [
    { name: 'charge', kind: 'run', state: 'done', number: 1, tries: 2, value: { cents: 1_299 } },
    { name: 'approval', kind: 'signal', state: 'open', number: 2, ms: 40 * 86_400_000 },
    { name: 'paid', kind: 'signal', state: 'open', number: 3, token: 'order:o-17' },
  ];
  const held = { job_id: order.id, x_lease: order.x_lease };
  await ask('worker.steps', { worker_id: 'shipper', items: [{ ...held, steps: rows }] });
  const waits = ['approval', 'paid'].map((name) => ({ name, kind: 'signal' }));
  await ask('worker.nack', { ...held, worker_id: 'shipper', requeue: true, waits });
  await client.enqueue('report.make', [], { queue: 'reports', delay: '100d' });
  await client.registerCronJob('nightly', '30 2 * * *', 'report.make', [], { timezone: 'Europe/Berlin' });
  await client.registerCronJob('often', '@every 2400h', 'report.make');
  await client.pauseCronJob('nightly');
  const steps = ['fetch', 'resize', 'upload'].map((name) => ({ type: `image.${name}`, args: [] }));
  const images = await client.workflow(chain('images', steps));
  const parts = Array.from({ length: 120 }, () => ({ type: 'video.part', args: [] }));
  const video = await client.workflow(batch('video', parts, { onSuccess: { type: 'video.join', args: [] } }));
  await ask('queue.configure', { concurrency: 3 }, { name: 'mail' });
  await ask('queue.configure', { concurrency: 9, max_size: 500 }, { name: 'mail' });
  await ask('schema.register', { uri: 'urn:mail', type: 'mail.send', version: '1.0.0', schema: { type: 'array' } });
  for (let number = 1; number <= 2; number++) await client.enqueue('spam.send', [number], { queue: 'spam' });
  const many = { filter: { queue: 'spam' }, confirm: true };
  const look = async ({ id }: { readonly id: string }) =>
    JSON.parse((await wire.call({ operation: 'bulk.get', params: { id } })).text);
  const ended = async (operation: { readonly id: string }) => {
    await expect.poll(async () => (await look(operation)).state).not.toBe('running');
    return operation.id;
  };
  const bulk = await ended(await ask('bulk.start', { action: 'cancel', ...many }));
  // One job at once, and the next one after a quarter of an hour.
  const slow = await ask('bulk.start', { action: 'delete', rate: 0.001, ...many });
  await expect.poll(async () => (await look(slow)).done).toBe(1);
  await ask('bulk.stop', {}, { id: slow.id });
  const { items } = JSON.parse((await wire.call({ operation: 'audit.list', query: { type: 'queue', limit: 1 } })).text);
  const letters = JSON.parse((await wire.call({ operation: 'deadLetter.list', query: { limit: 1 } })).text);
  return {
    home,
    storage,
    waiting: waiting.id,
    asleep: asleep.id,
    wanted: wanted.id,
    failed: failing.id,
    done: acked.id,
    chain: images.id,
    batch: video.id,
    dead: letters.jobs[0].id,
    entry: items[0].id,
    bulk,
    slow: await ended(slow),
  };
}

const both = (...calls: Scene['calls']): Scene => ({ both: true, calls });
const once = (...calls: Scene['calls']): Scene => ({ calls });

/**
 * The calls of every command but the endless ones. First what only looks, then what changes, in this order. The word
 * TOKEN is the id of the token that was made last.
 */
export function scenesOf(names: Names): ReadonlyMap<string, Scene> {
  const { home, storage, waiting, asleep, wanted, failed, dead, done, chain, batch, entry, bulk, slow } = names;
  const copy = join(home, 'copy.ndjson');
  const scenes: Readonly<Record<string, Scene>> = {
    'jobs list': both(
      [],
      ['--state', 'discarded', '--limit', '2'],
      ['--query', 'args[0].user=42'],
      ['--queue', 'none'],
      ['--query', 'args[0].user=42', '--ndjson'],
      ['--query', 'stat:failed'],
    ),
    'jobs show': both([done], [done, '--json'], [asleep]),
    'jobs history': both([failed], ['none']),
    'jobs steps': both([done], [done, '--values', '--json'], [asleep, '--values']),
    'jobs mailboxes': both([]),
    'jobs groups': both(['--by', 'queue', '--limit', '2']),
    'jobs export': once(['--query', 'args[0].user=43']),
    explain: both([waiting], [asleep], [chain, '--step', '1']),
    'dead-letter list': both([]),
    'dead-letter stats': both([]),
    'dead-letter show': both([dead]),
    'errors list': both([], ['--queue', 'none']),
    'bulk list': both([]),
    'bulk show': both([bulk]),
    'workflows list': both([]),
    'workflows show': both([chain]),
    'workflows graph': both([chain], [batch]),
    'cron list': both([]),
    'cron show': both(['nightly'], ['often']),
    'cron preview': both(
      ['30 2 * * *', '--timezone', 'Europe/Berlin', '--from', '2030-03-30T12:00:00Z', '--count', '3'],
      ['61 * * * *'],
    ),
    'cron runs': both(['often']),
    stats: both([], ['--history', '1d', '--since', `${new Date().toISOString().slice(0, 10)}T00:00:00Z`]),
    'queues list': both([]),
    'queues show': both(['mail']),
    'workers list': both([]),
    'workers show': both(['mailer-1']),
    'limits list': both([]),
    'limits show': both(['tenant:acme']),
    'schemas list': both([]),
    'schemas show': both(['urn:mail']),
    'maintenance status': both([]),
    'audit list': both(['--limit', '3']),
    'audit show': both([entry]),
    doctor: both([]),
    completion: once(['bash'], ['tcsh']),
    enqueue: once(
      ['mail.send', '["ada@example.com"]', '--queue', 'mail', '--meta', 'tenant=acme'],
      ['mail.send', 'ada@example.com'],
    ),
    'jobs undo': once([asleep], [done]),
    'jobs wake': once([asleep, '--name', 'payd'], [done]),
    'jobs signal': once(
      [asleep, 'aproval', '{"approved":true}', '--id', 's1'],
      [asleep, 'approval', '{"approved":true}', '--id', 's1'],
      [asleep, 'approval', '{"approved":true}', '--id', 's1'],
      ['--token', 'order:42', '{"paid":true}', '--expires', '1h'],
      [asleep, 'approval', 'yes'],
      [asleep],
      [done, 'approval'],
      ['none', 'approval'],
    ),
    'jobs retry': once(
      ['--error-type', 'CardDeclined', '--dry-run'],
      ['--error-type', 'CardDeclined'],
      ['--error-type', 'CardDeclined', '--yes'],
    ),
    'jobs edit': once(
      [waiting, '--priority', '10'],
      [done, '--priority', '10'],
      ['--query', 'meta.tenant=acme', '--if-state', 'available', '--priority', '1'],
    ),
    'jobs rerun': once(
      [failed, '--from-step', 'charge'],
      ['--query', 'queue:done', '--from-step', 'charge'],
      [failed],
      ['--query', 'queue:done', '--to-queue', 'again'],
      ['--query', 'queue:done', '--to-queue', 'again', '--yes'],
    ),
    'jobs reschedule': once(
      ['--queue', 'reports', '--in', '1h', '--dry-run'],
      ['--queue', 'reports', '--in', '1h', '--yes'],
      ['--queue', 'reports'],
    ),
    'jobs priority': once(
      ['--queue', 'mail', '--to', '7'],
      ['--queue', 'mail', '--to', '7', '--yes'],
      ['--queue', 'mail', '--to', '700'],
      [waiting],
    ),
    'jobs promote': once(['--queue', 'reports', '--dry-run'], ['--queue', 'reports', '--yes'], [done]),
    'jobs cancel': once([waiting], [waiting]),
    'jobs delete': once([waiting], [waiting, '--yes']),
    'jobs activate': once([failed]),
    'dead-letter delete': once([dead, '--yes']),
    'dead-letter retry': once(['--error-type', 'Timeout', '--yes']),
    'dead-letter purge': once(['--yes'], ['--queue', 'failing-timeout', '--yes']),
    'bulk resume': once([slow]),
    'bulk stop': once([slow], [bulk]),
    'bulk undo': once([bulk], [bulk, '--yes'], [bulk, '--yes']),
    'workflows retry': once([chain]),
    'workflows cancel': once([chain]),
    'workflows rerun': once([chain]),
    'cron change': once(
      ['nightly', '--cron', '0 4 * * *', '--queue', 'nightly', '--args', '["sales"]'],
      ['nightly'],
      ['nihgtly', '--cron', '@daily'],
    ),
    'cron trigger': once(['often']),
    'cron pause': once(['often']),
    'cron resume': once(['often']),
    'cron remove': once(['often'], ['often', '--yes']),
    'queues create': once(
      ['few', '--concurrency', '2', '--rate', '100/1m', '--max-depth', '50'],
      ['few', '--concurrency', '2'],
    ),
    'queues configure': once(['few', '--concurrency', 'none', '--overflow', 'warn'], ['few']),
    'queues restore': once(['mail', '--entry', entry], ['mail', '--entry', entry, '--yes'], ['few', '--entry', entry]),
    'queues drain': once(['few']),
    'queues pause': once(['mail']),
    'queues resume': once(['mail']),
    'queues purge': once(['done', '--state', 'completed'], ['done', '--state', 'completed', '--yes']),
    'queues delete': once(['few', '--yes'], ['mail', '--yes']),
    'workers quiet': once(['mailer-1']),
    'workers resume': once(['mailer-1']),
    'workers stop': once(['mailer-1', '--yes']),
    'limits free': once(['tenant:acme', '--yes']),
    'workers remove': once(['mailer-1', '--yes'], ['mailer-1', '--force', '--yes']),
    'limits override': once(['tenant:acme', '--concurrency', '5', '--for', '10m'], ['tenant:acme']),
    'limits restore': once(['tenant:acme']),
    'jobs discard': once([wanted]),
    'schemas register': once(['urn:mail:2', 'mail.send', '2.0.0', join(home, 'missing.json')]),
    'schemas delete': once(['urn:mail', '--yes']),
    'maintenance on': once(
      ['--reason', 'migration', '--for', '30m'],
      ['--reason', 'migration', '--for', '30m', '--yes'],
    ),
    'maintenance off': once([]),
    init: once(
      [join(home, 'shop')],
      [join(home, 'shop'), '--template', 'next'],
      [join(home, 'bank'), '--template', 'fastfy'],
    ),
    'context set': once(['prod', '--url', 'https://jobs.example.com'], ['local', '--storage', storage], ['x']),
    'context list': once([]),
    'context use': once(['local'], ['prdo']),
    'context remove': once(['local'], ['prod']),
    backup: once(['--storage', storage, copy]),
    restore: once([copy, '--storage', `sqlite:${join(home, 'copy.db')}`], [copy, '--storage', storage]),
    migrate: once(['--storage', storage]),
    'storage report': once(['--storage', storage]),
    'tokens create': once(['root', '--role', 'admin'], ['shop', '--role', 'enqueue', '--queue', 'mail*']),
    'tokens list': once([]),
    'tokens rotate': once(['TOKEN', '--grace', '1h']),
    'tokens revoke': once(['TOKEN'], ['TOKEN', '--yes']),
  };
  return new Map(Object.entries(scenes));
}
