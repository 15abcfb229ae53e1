import { manualClock } from '@ojs-ts/core';
import { serveClocked } from '../../packages/server/test/support/clocked.ts';
import { type Answer, type Ask, askAt } from './ask.ts';

const minute = 60_000;
/** Two days before the clocks of Berlin change. */
const end = Date.UTC(2026, 2, 27, 9, 30);
const start = end - 60 * minute;

interface Claimed {
  readonly id: string;
  readonly type: string;
}

/** A small shop at a time that stands still: the same jobs with the same times at each run. */
export interface Shop extends AsyncDisposable {
  readonly url: string;
  readonly secret: string;
  /** The time at which everything has happened. */
  readonly now: number;
  /** Places of the dashboard by the names of their pictures. */
  readonly places: Readonly<Record<string, string>>;
}

export async function openShop(): Promise<Shop> {
  const clock = manualClock(start);
  const secret = 'secret-of-the-shop';
  const server = await serveClocked('memory:', { clock }, { tokens: [`admin:${secret}`], memoryMb: 1_024 });
  const { bulkOperations } = server.bench.engine;

  const send = askAt(server.url, secret);
  const ask: Ask = (method, path, body) => {
    // Ids begin with the time: what follows comes after in every list.
    clock.advance(1);
    return send(method, path, body);
  };
  const post = (path: string, body: unknown = {}): Promise<Answer> => ask('POST', path, body);
  const enqueue = async (type: string, queue: string, args: readonly unknown[], more: object = {}): Promise<string> => {
    const { job } = await post('jobs', { type, args, options: { queue, ...more } });
    return idIn(job);
  };
  const fetchJobs = async (queue: string, worker: string, count = 10): Promise<readonly Claimed[]> => {
    const { jobs } = await post('workers/fetch', { queues: [queue], worker_id: worker, count });
    return Array.isArray(jobs) ? jobs : [];
  };
  const finish = (worker: string, id: string, result: unknown) =>
    post('workers/ack', { job_id: id, worker_id: worker, result });
  const fail = (worker: string, id: string, error: object) =>
    post('workers/nack', { job_id: id, worker_id: worker, error });
  const advanceTo = (at: number): void => {
    if (at > clock.now()) clock.set(at);
  };

  const deadLetter = { max_attempts: 1, on_exhaustion: 'dead_letter' };
  const timedOut = {
    type: 'TypeError',
    code: 'provider_timeout',
    message: 'payment provider timed out after 3000 ms',
    details: { provider: 'cards', attempt_ms: 3000.5 },
    backtrace: [
      'at charge (src/payments/charge.ts:41:13)',
      'at retrying (node_modules/undici/lib/handler.js:18:5)',
      'at process.processTicksAndRejections (node:internal/process/task_queues:105:5)',
      'at run (src/worker.ts:12:3)',
    ],
  };
  const bounced = { type: 'SmtpError', code: 'mailbox_unavailable', message: 'SMTP 550: mailbox unavailable' };

  let dead = '';
  const work = async (index: number): Promise<void> => {
    const mails = 3 + ((index * 7) % 5);
    for (let mail = 0; mail < mails; mail++)
      await enqueue('email.send', 'mail', [`anna${mail}@example.com`, { template: 'welcome', order: 4000 + index }], {
        tags: ['onboarding'],
        ...(mail === 0 && index % 12 === 5 && { retry: deadLetter }),
      });
    if (index % 2 === 0) await enqueue('invoice.create', 'billing', [4000 + index]);
    if (index % 15 === 7) dead = await enqueue('card.charge', 'billing', [4000 + index], { retry: deadLetter });
    clock.advance(350 + (index % 7) * 140);
    for (const [at, { id }] of (await fetchJobs('mail', 'mailer-1')).entries()) {
      clock.advance(90 + ((index * 13 + at * 31) % 11) * 40);
      if (at === 0 && index % 12 === 5) await fail('mailer-1', id, bounced);
      else await finish('mailer-1', id, { accepted: true, message: `m-${index}-${at}` });
    }
    for (const { id, type } of await fetchJobs('billing', 'biller-1')) {
      clock.advance(420 + (index % 5) * 260);
      if (type === 'card.charge') await fail('biller-1', id, timedOut);
      else await finish('biller-1', id, { total: 129.5, currency: 'EUR' });
    }
  };
  let minutes = 0;
  /** What happens every minute, until then. */
  const workUntil = async (at: number): Promise<void> => {
    while (start + minutes * minute < at) {
      advanceTo(start + minutes * minute);
      await work(minutes++);
    }
    advanceTo(at);
  };

  const chain = (name: string) => ({
    type: 'chain',
    name,
    steps: [
      { type: 'invoice.create', args: [4711], options: { queue: 'billing' } },
      { type: 'email.send', args: ['invoice@example.com'], options: { queue: 'mail' } },
      { type: 'order.archive', args: [4711], options: { queue: 'archive' } },
    ],
  });
  const workflow = async (body: object): Promise<string> => idIn((await post('workflows', body)).workflow);
  const finishAll = async (queue: string, worker: string): Promise<void> => {
    for (const { id } of await fetchJobs(queue, worker)) {
      clock.advance(640);
      await finish(worker, id, { done: true });
    }
  };
  await workUntil(end - 9 * minute);
  await workflow(chain('order-4710'));
  for (const queue of ['billing', 'mail', 'archive']) await finishAll(queue, 'biller-1');
  await workUntil(end - 6 * minute);
  const order = await workflow({
    type: 'batch',
    name: 'order-4711',
    jobs: ['eu', 'us', 'asia', 'africa'].map((region) => ({
      type: 'stock.count',
      args: [region],
      options: { queue: 'stock', retry: deadLetter },
    })),
    callbacks: { on_complete: { type: 'stock.report', args: [], options: { queue: 'stock' } } },
  });
  for (const [at, { id }] of (await fetchJobs('stock', 'stock-1', 3)).entries()) {
    clock.advance(900 + at * 700);
    if (at === 0) await fail('stock-1', id, { type: 'RangeError', message: 'stock of eu is below zero' });
    else if (at === 1) await finish('stock-1', id, { counted: 812 });
  }
  await workflow(chain('order-4712'));
  await finishAll('billing', 'biller-1');

  await workUntil(end - 4 * minute);
  const resize = { rate_limit: { key: 'thumbnails', concurrency: 2 } };
  for (let index = 0; index < 5; index++)
    await enqueue('image.resize', 'media', [`cat-${index}.png`, 800, 600], resize);
  await enqueue('card.refund', 'billing', [4999], { rate_limit: { key: 'cards', limit: 10, period: 'PT1M' } });
  await ask('PUT', 'rate-limits/cards', { concurrency: 1, expires_at: '+P1D' });
  clock.advance(1_200);
  const [running] = await fetchJobs('media', 'media-1', 2);
  if (running !== undefined) {
    await ask('PUT', `jobs/${running.id}/progress`, { progress: 0.4, message: 'thumbnails done' });
    await post(`jobs/${running.id}/checkpoint`, { state: { row: 1200 } });
  }
  const done = await enqueue('email.send', 'mail', ['otto@example.com', { template: 'receipt', order: 4711 }], {
    tags: ['receipt', 'vip'],
    priority: 5,
  });
  clock.advance(780);
  for (const { id } of await fetchJobs('mail', 'mailer-1')) {
    clock.advance(310);
    await finish('mailer-1', id, { accepted: ['otto@example.com'], message: '<m-4711@shop.example>' });
  }
  for (let index = 0; index < 5; index++)
    await enqueue('report.build', 'reports', [index], { priority: index, tags: ['weekly'] });
  for (let index = 0; index < 3; index++)
    await enqueue('newsletter.send', 'mail', [index], { delay_until: `+PT${index + 1}H` });
  const retries = { max_attempts: 5, initial_interval: 'PT10M', jitter: false };
  for (let index = 0; index < 3; index++) await enqueue('card.charge', 'billing', [5000 + index], { retry: retries });
  for (const { id, type } of await fetchJobs('billing', 'biller-1')) {
    clock.advance(300);
    if (type === 'card.charge') await fail('biller-1', id, timedOut);
    else await finish('biller-1', id, { refunded: true });
  }

  const cron = (name: string, expression: string, type: string, queue: string) =>
    post('cron', {
      name,
      cron: expression,
      timezone: 'Europe/Berlin',
      job_template: { type, args: [name], options: { queue } },
    });
  await cron('nightly-report', '30 2 * * *', 'report.build', 'reports');
  await cron('stock-count', '0 */4 * * 1-5', 'stock.count', 'stock');
  await cron('newsletter', '0 9 * * 1', 'newsletter.send', 'mail');
  await post('cron/nightly-report/trigger');
  await post('cron/newsletter/pause');
  await post('queues/reports/pause');
  await ask('PUT', 'queues/mail/config', {
    concurrency: 20,
    rate_limit: { limit: 600, period: 'PT1M' },
    backpressure: { max_depth: 5_000 },
  });
  const emails = { type: 'array', prefixItems: [{ type: 'string', format: 'email' }], minItems: 1 };
  await post('schemas', { type: 'email.send', version: 1, schema: emails });
  await post('schemas', { type: 'email.send', version: 2, mode: 'warn', schema: { ...emails, maxItems: 2 } });
  await post('schemas', { type: 'card.charge', version: '1.2.0', schema: { type: 'array', minItems: 1 } });
  await post('admin/tokens', { name: 'shop', roles: ['producer'], queues: ['mail', 'billing'] });
  await post('admin/tokens', { name: 'on-call', roles: ['operator'], redact: ['args[0].card'], expires_at: '+P90D' });
  const { token } = await post('admin/tokens', { name: 'old-laptop', roles: ['viewer'] });
  await ask('DELETE', `admin/tokens/${idIn(token)}`);
  const unwanted = { action: 'cancel', query: 'queue:reports priority>2', confirm: true };
  const operation = idIn(await post('admin/bulk', unwanted));
  clock.advance(1);
  await bulkOperations.run();

  await workUntil(end - 2 * minute);
  const beat = (id: string, queues: readonly string[], jobs: readonly Claimed[], lag: number) =>
    post('workers/heartbeat', {
      worker_id: id,
      hostname: `${id.replace(/-\d$/, '')}.shop.internal`,
      pid: 4711,
      queues,
      concurrency: 5,
      labels: ['blue'],
      version: '1.4.2',
      started_at: new Date(start).toISOString(),
      active_jobs: jobs.map((job) => job.id),
      load: { rss_bytes: 96 * 1_048_576, heap_used_bytes: 41 * 1_048_576, event_loop_lag_ms: lag },
    });
  await beat('media-2', ['media'], [], 12);
  await workUntil(end - 1_500);
  await beat('mailer-1', ['mail'], [], 3);
  await beat('biller-1', ['billing', 'archive'], [], 640);
  await beat('media-1', ['media'], running === undefined ? [] : [running], 21);
  await post('admin/workers/biller-1/quiet');
  advanceTo(end);

  return {
    url: server.url,
    secret,
    now: end,
    places: {
      overview: '',
      jobs: 'jobs',
      job: `jobs/${done}`,
      'job-dead': `jobs/${dead}`,
      'job-running': `jobs/${running?.id}`,
      queues: 'queues',
      queue: 'queues/mail',
      workflows: 'workflows',
      workflow: `workflows/${order}`,
      crons: 'crons',
      cron: 'crons/nightly-report',
      workers: 'workers',
      worker: 'workers/media-1',
      'dead-letter': 'dead-letter',
      events: 'events',
      limits: 'limits',
      limit: 'limits/thumbnails',
      bulk: 'bulk',
      'bulk-operation': `bulk/${operation}`,
      schemas: 'schemas',
      tokens: 'tokens',
      audit: 'audit',
      configuration: 'configuration',
      doctor: 'doctor',
      playground: 'playground',
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
    },
  };
}

function idIn(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string') return value.id;
  throw new Error('The answer has no id.');
}
