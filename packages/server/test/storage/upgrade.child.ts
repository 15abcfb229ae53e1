import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { State } from '@ojs-ts/core/job';

/**
 * A process of an older version: its storage is the first argument, a module. Inserts, claims and ends jobs of the file
 * or database, limited ones too, until its input ends; prints the ids that it inserted and ended.
 */
const [module = '', path = ''] = process.argv.slice(2);
const { sqliteStorage, postgresStorage } = await import(pathToFileURL(module).href);
const storage =
  sqliteStorage === undefined ? postgresStorage({ url: path }) : sqliteStorage({ path, synchronous: 'OFF' });
let ended = false;
const ending = once(process.stdin.resume(), 'end').then(() => {
  ended = true;
});
const now = Date.UTC(2026, 0, 2);
const inserted: string[] = [];
const done: string[] = [];
for (let round = 0; !ended || round < 40; round++) {
  const jobs = Array.from({ length: 5 }, (_, index) => {
    const id = `019b7c00-0000-7000-8000-${String(round * 5 + index).padStart(12, '0')}`;
    return {
      ...{
        id,
        type: 't',
        queue: 'load',
        state: State.available,
        priority: 0,
        runAt: now,
        expiresAt: null,
        laterExpiresAt: null,
        deadlineAt: null,
      },
      ...{
        heartbeatMs: 60_000,
        timeoutMs: 1_800_000,
        visibilityMs: null,
        createdAt: now,
        node: null,
        trace: null,
        unique: null,
        policy: null,
        cron: null,
      },
      ...{
        limits: index === 0 ? [{ key: 'shared', concurrency: 3, rates: [] }] : [],
        envelope: `{"args":[${index}.0]}`,
      },
    };
  });
  await storage.jobs.insert([jobs], now);
  inserted.push(...jobs.map(({ id }) => id));
  const claim = { request: null, queues: ['load'], limit: 5, worker: 'old', leaseMs: null, defaultLeaseMs: 1_800_000 };
  const [{ jobs: taken }] = await storage.jobs.claim([claim], now);
  const ends = taken.map((job: { id: string; claim: number }) => ({
    ...{ id: job.id, claim: job.claim, worker: 'old', from: State.active, to: State.completed, events: [] },
  }));
  const answers: readonly { readonly kind: string }[] = await storage.jobs.transition(ends, now);
  answers.forEach(({ kind }, index) => {
    if (kind === 'moved') done.push(ends[index].id);
  });
  if (round === 5) console.log('under way');
  // On a busy machine this process would otherwise insert more jobs than the other can check in time.
  if (round === 2_000) await ending;
}
await storage[Symbol.asyncDispose]();
console.log(JSON.stringify({ inserted, done }));
