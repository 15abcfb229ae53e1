// A child process: pg-boss with many jobs, and its dashboard.
import { PgBoss } from 'pg-boss';
import * as mix from '../../src/control/mix.ts';
import { report } from './report.ts';

const batchSize = 1_000;
/** Jobs that fail with one text: the outcomes of a batch are one statement. */
const failBatch = 250;
const others = ['pay', 'mail', 'later', 'done', 'single', 'failing', 'steps', 'reports'];

await report(async (storage, count) => {
  const boss = new PgBoss({ connectionString: storage, max: 4, persistQueueStats: true, persistWarnings: true });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  for (const name of [...mix.queues, ...others]) await boss.createQueue(name, { retryLimit: 0 });
  await boss.createQueue('api', { policy: 'singleton', expireInSeconds: mix.scheduledMs / 1_000 - 1 });
  await boss.createQueue('other', { warningQueueSize: 1 });

  /** Inserts jobs of the mix, `size` of them, in batches of one queue each, and ends each batch as `end` does. */
  async function run(size: number, options: object, end: (name: string) => Promise<unknown> = async () => {}) {
    const waiting = new Map<string, object[]>();
    const insert = async (name: string, batch: object[]) => {
      await boss.insert(name, batch);
      await end(name);
    };
    for (let n = 0; n < size; n++) {
      const { queue, type, tenant, argument } = mix.jobOf(n);
      const batch = waiting.get(queue) ?? [];
      waiting.set(queue, batch);
      batch.push({ data: { ...argument, type, tenant }, ...options });
      if (batch.length === batchSize) await insert(queue, batch.splice(0));
    }
    for (const [name, batch] of waiting) if (batch.length > 0) await insert(name, batch);
  }

  const take = async (name: string, size: number) => (await boss.fetch(name, { batchSize: size })).map(({ id }) => id);
  const complete = async (name: string) => boss.complete(name, await take(name, batchSize), mix.resultOf);
  let failures = 0;
  const fail = async (name: string) => {
    for (let ids = await take(name, failBatch); ids.length > 0; ids = await take(name, failBatch)) {
      const { type, message } = mix.errorOf(failures++);
      await boss.fail(name, ids, { name: type, message });
    }
  };
  const at = (share: number) => Math.round(share * count);
  const { completed, discarded, retryable, scheduled } = mix.shares;
  await run(at(completed), {}, complete);
  await run(at(discarded), { retryLimit: 0 }, fail);
  await run(at(retryable), { retryLimit: 2, retryDelay: mix.retryMs / 1_000 }, fail);
  await run(at(scheduled), { startAfter: new Date(Date.now() + mix.scheduledMs) });
  await run(count - at(completed) - at(discarded) - at(retryable) - at(scheduled), {});

  const put = async (name: string, data: object, options = {}) => (await boss.send(name, data, options)) ?? '';
  const declined = await put('pay', { type: 'pay.now', user: 7 });
  const message = 'The card declined it: card declined.';
  await boss.fail('pay', await take('pay', 1), { name: 'Refused', message });
  await put('done', {});
  await complete('done');
  for (let n = 0; n < 3; n++) await put('failing', {});
  await boss.fail('failing', await take('failing', 3), { name: 'Gone', message: 'Gone: it failed' });
  const wanted = await put('mail', { type: 'mail.send', user: 42, tenant: 'acme' });
  const waiting = await put('mail', { type: 'mail.send', user: 43, tenant: 'other' }, { priority: 1 });
  const cancelled = await put('mail', { type: 'mail.send', user: 42 });
  await boss.cancel('mail', cancelled);
  const later = await put('later', {}, { startAfter: mix.retryMs / 1_000 });
  const single = await put('single', { once: true }, { singletonKey: 'only' });
  const held = await put('api', {});
  await take('api', 1);
  for (let n = 0; n < 3; n++) await put('other', {});
  await boss.schedule('reports', '30 2 * * *', {}, { tz: 'Europe/Berlin' });
  const first = { ref: 'first', name: 'steps', data: { type: 'first.step' } };
  const second = { ref: 'second', name: 'steps', data: { type: 'second.step' }, dependsOn: ['first'] };
  const steps = await boss.flow([first, second]);
  // Its counts, warnings and charts are of the last pass.
  await boss.supervise();

  const url = await listen(storage);
  const scene = { wanted, declined, waiting, later, single, held, cancelled, workflow: steps.second ?? '' };
  return { url, scene };
});

/** Starts its dashboard in this process, on the port that PORT names. */
async function listen(storage: string): Promise<string> {
  process.env.DATABASE_URL = storage;
  process.env.HOST = '127.0.0.1';
  await import('@pg-boss/dashboard/build/server.js');
  const url = `http://127.0.0.1:${process.env.PORT}/`;
  while ((await fetch(url).catch(() => null))?.ok !== true) await new Promise((resolve) => setTimeout(resolve, 100));
  return url;
}
