import { setTimeout } from 'node:timers/promises';
import { Client, Worker } from '@ojs-ts/sdk';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

async function post(url: string, path: string, body: unknown, method = 'POST'): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}/ojs/v1/${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}

/** Jobs of a small shop in every state, made by a real worker, which runs until the result is disposed. */
export async function seed(url: string): Promise<AsyncDisposable> {
  const client = new Client(url);
  const worker = new Worker(url, {
    queues: ['mail', 'billing', 'media'],
    concurrency: 5,
    shutdownTimeout: '50ms',
    handleSignals: false,
    logger: quiet,
  });
  worker.register('email.send', async ({ args: [to] }) => {
    if (String(to).startsWith('bounce')) throw new Error(`SMTP 550: mailbox ${to} unavailable`);
    return { accepted: [to], messageId: `<${to}@shop.example>` };
  });
  worker.register('invoice.create', async ({ args: [order] }) => ({ order, total: 129.5, currency: 'EUR' }));
  worker.register('card.charge', async ({ args: [order] }) => {
    throw new TypeError(`payment provider timed out after 3000 ms for order ${order}`);
  });
  worker.register('image.resize', async ({ progress, signal }) => {
    await progress(40, 'thumbnails done');
    await setTimeout(600_000, undefined, { signal });
  });
  const running = worker.start();
  await worker.ready;
  const fast = { max_attempts: 2, initial_interval: 'PT0.02S', jitter: false };
  for (let index = 0; index < 14; index++)
    await post(url, 'jobs', {
      type: 'email.send',
      args: [
        `${index % 5 === 0 ? 'bounce' : 'anna'}${index}@example.com`,
        { template: 'welcome', userId: 9007199254740993n.toString() },
      ],
      meta: { tenant: index % 3 === 0 ? 'acme' : 'globex' },
      options: { queue: 'mail', tags: ['onboarding'], retry: { ...fast, on_exhaustion: 'dead_letter' } },
    });
  for (let index = 0; index < 6; index++)
    await post(url, 'jobs', {
      type: 'card.charge',
      args: [1000 + index],
      meta: { tenant: 'acme' },
      options: {
        queue: 'billing',
        retry: index < 3 ? { ...fast, on_exhaustion: 'dead_letter' } : { max_attempts: 5, initial_interval: 'PT10M' },
      },
    });
  await post(url, 'workflows', {
    type: 'chain',
    name: 'order-4711',
    steps: [
      { type: 'invoice.create', args: [4711], options: { queue: 'billing' } },
      { type: 'email.send', args: ['invoice@example.com'], options: { queue: 'mail' } },
      { type: 'order.archive', args: [4711], options: { queue: 'archive' } },
    ],
  });
  await post(url, 'jobs', { type: 'image.resize', args: ['cat.png', 800, 600], options: { queue: 'media' } });
  for (let index = 0; index < 5; index++)
    await post(url, 'jobs', { type: 'report.build', args: [index], options: { queue: 'reports', priority: index } });
  for (let index = 0; index < 3; index++)
    await post(url, 'jobs', {
      type: 'newsletter.send',
      args: [index],
      options: { queue: 'mail', delay_until: `+PT${index + 1}H` },
    });
  await post(url, 'queues/reports/pause', {});
  await post(url, 'cron', {
    name: 'nightly-report',
    cron: '30 2 * * *',
    timezone: 'Europe/Berlin',
    job_template: { type: 'report.build', args: ['nightly'], options: { queue: 'reports' } },
  });
  for (;;) {
    const [mail, billing] = await Promise.all([client.queueStats('mail'), client.queueStats('billing')]);
    if (mail.available + mail.active + mail.retryable + billing.available + billing.active === 0) break;
    await setTimeout(20);
  }
  await client.close();
  return {
    async [Symbol.asyncDispose]() {
      await worker.stop();
      await running;
    },
  };
}
