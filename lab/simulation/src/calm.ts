import { State, Terminal } from '@ojs-ts/core/job';
import { allJobs } from '../../../packages/server/test/storage/suite/tools.ts';
import type { Cluster } from './cluster.ts';
import type { Context } from './context.ts';
import { queues, retryPolicy } from './workload/actor.ts';
import { cronNames } from './workload/operators.ts';

export type Ask = <T>(call: () => Promise<T>) => Promise<T>;

/** How long a healthy world may take to end everything, beside the work itself: dead workers, leases, backoffs. */
const calmMs = 120_000;
/** A request may be held up for 20 s: until then work comes in. */
const latestMs = 25_000;
/** Jobs that certainly run at once: the narrowest limit of the workload. */
const atOnce = 2;

/** Ends every fault, and waits until nothing is left to be done. */
export async function calm(cluster: Cluster, ask: Ask): Promise<void> {
  const { world, problems } = cluster.context;
  world.note('calm');
  // What a node was to do while it was blocked, it does at the end of that time.
  const quietAt = cluster.blockedUntil() + latestMs;
  cluster.heal();
  for (const client of cluster.clients) client.start();
  const control = cluster.clients[0];
  if (control === undefined) throw new Error('There is no client.');
  const { client, node } = control;
  const release = async () => {
    for (const name of cronNames) await client.unregisterCronJob(name).catch(() => {});
    for (const queue of queues) await client.resumeQueue(queue).catch(() => {});
  };
  let deadline = Number.POSITIVE_INFINITY;
  for (let isIdle = false; !isIdle || world.now < quietAt; ) {
    cluster.heal();
    await world.settle(node.run(release));
    await world.run(world.now + 5_000);
    const { count, ms } = await ask(() => workLeft(cluster.context));
    isIdle = count === 0;
    if (world.now < quietAt) continue;
    if (deadline === Number.POSITIVE_INFINITY) deadline = world.now + calmMs + ms / atOnce;
    if (world.now < deadline) continue;
    problems.push({ rule: 'stuck', message: `${count} jobs or workflows have not ended by ${Math.round(deadline)}` });
    break;
  }
}

/** What has not ended, and for how long its handlers will run. */
async function workLeft(context: Context): Promise<{ readonly count: number; readonly ms: number }> {
  const { storage } = context.store;
  const jobs = await allJobs(storage, { states: 0xff & ~Terminal & ~State.pending });
  const { items } = await storage.workflows.list({ states: ['running'], limit: 1_000 });
  let ms = 0;
  for (const { envelope, attempt } of jobs) ms += runsMs(envelope, attempt, context);
  for (const { id } of items)
    for (const { state, spec } of await storage.workflows.nodes(id, -1, 1_000))
      if (state === 'waiting') ms += runsMs(spec, 0, context);
  return { count: jobs.length + items.length, ms };
}

/** @param text JSON in which the job's order stands. */
function runsMs(text: string, attempt: number, context: Context): number {
  const most = retryPolicy(context).policy.maxAttempts;
  const numberOf = (name: string) => Number(new RegExp(`"${name}":(\\d+)`).exec(text)?.[1] ?? 0);
  // In a storm any attempt may lose its lease.
  const last = context.parameters.storm ? most : Math.min(most, numberOf('failures') + 1);
  return Math.max(1, last - attempt) * (numberOf('holdMs') + numberOf('blockMs'));
}
