import { batch, type Client, chain } from '@ojs-ts/sdk';
import { byHand } from './crons.ts';
import { type HistoryFile, now } from './history-file.ts';
import type { Chance } from './random.ts';

const unfinished = ['waiting', 'scheduled', 'pending', 'active', 'retryable'];
const backoffMs = 200;
const maxAttempts = 40;
const retry = { maxAttempts, initialInterval: backoffMs, backoffCoefficient: 1, jitter: false };
const told = { retry: { maxAttempts, backoffMs: [backoffMs] } };

export const types = ['chaos.job', 'chaos.step', 'chaos.callback', 'chaos.cron'];
export const queues = ['plain', 'flow', 'cron'];

/** What a job asks of its handler; `told` is what the history says of the job. */
export interface Order {
  readonly holdMs: number;
  readonly failures: number;
  readonly told: object;
}

interface Actor {
  readonly client: Client;
  readonly chance: Chance;
  readonly history: HistoryFile;
}

type Work = (actor: Actor) => Promise<unknown>;

function order(chance: Chance, more: object = {}, failures = 0): [Order] {
  // A few take longer than their lease.
  const holdMs = chance.next() < 0.02 ? 6_000 : Math.floor(30 * chance.next());
  return [{ holdMs, failures, told: { ...told, ...more } }];
}

const plain: Work = ({ client, chance }) =>
  client.enqueue('chaos.job', order(chance, {}, chance.next() < 0.2 ? 1 + chance.below(3) : 0), {
    queue: 'plain',
    priority: chance.next() < 0.1 ? chance.below(5) : 0,
    retry,
  });

const unique: Work = ({ client, chance }) => {
  const key = `u${chance.below(20)}`;
  const onConflict = chance.pick(['reject', 'ignore', 'replace'] as const);
  return client.enqueue('chaos.job', order(chance, { unique: { key, states: unfinished } }), {
    queue: 'plain',
    meta: { key },
    unique: { keys: ['type', 'meta'], metaKeys: ['key'], onConflict },
    retry,
  });
};

const limited: Work = ({ client, chance }) => {
  const limit = { key: 'tenant', concurrency: 3 };
  return client.enqueue('chaos.job', order(chance, { limits: [limit] }), { queue: 'plain', limits: [limit], retry });
};

const rated: Work = ({ client, chance }) => {
  const rate = { count: 10, windowMs: 1_000 };
  return client.enqueue('chaos.job', order(chance, { limits: [{ key: 'mail', rate }] }), {
    queue: 'plain',
    limits: [{ key: 'mail', rate: { limit: rate.count, period: rate.windowMs } }],
    retry,
  });
};

function delayed({ client, chance }: Actor, delay: number) {
  return client.enqueue('chaos.job', order(chance, { dueAt: now() + delay }), { queue: 'plain', delay, retry });
}

const scheduled: Work = (actor) => delayed(actor, actor.chance.below(3_000));

const bulk: Work = ({ client, chance }) =>
  client.enqueueBatch(
    Array.from({ length: 2 + chance.below(8) }, () => ({
      type: 'chaos.job',
      args: order(chance),
      queue: 'plain',
      retry,
    })),
  );

const cancelled: Work = async (actor) => {
  const { id } = await delayed(actor, actor.chance.below(500));
  await actor.client.cancelJob(id);
};

const workflow: Work = async ({ client, chance, history }) => {
  const options = { queue: 'flow', retry };
  const job = (type: string) => ({ type, args: order(chance) });
  const steps = [job('chaos.step'), job('chaos.step'), job('chaos.step')];
  const isChain = chance.next() < 0.5;
  const { id } = await client.workflow(
    isChain ? chain('chain', steps, options) : batch('batch', steps, { onComplete: job('chaos.callback'), options }),
  );
  const nodes = steps.map((_, index) => ({
    node: String(index),
    after: isChain && index > 0 ? [String(index - 1)] : [],
  }));
  const callback = { node: 'on_complete', after: [], callback: 'complete' };
  history.call('workflow', { workflow: id, nodes: isChain ? nodes : [...nodes, callback] })('done');
};

const triggered: Work = ({ client }) => client.triggerCronJob(byHand);

/** Each kind with its share. */
const kinds: readonly (readonly [share: number, work: Work])[] = [
  [45, plain],
  [10, unique],
  [10, limited],
  [5, rated],
  [8, scheduled],
  [6, bulk],
  [8, cancelled],
  [8, workflow],
  [2, triggered],
];

/** One piece of work. What it throws was refused, or was lost to a fault. */
export async function doSome(actor: Actor): Promise<void> {
  let roll = actor.chance.next() * kinds.reduce((sum, [share]) => sum + share, 0);
  for (const [share, work] of kinds) {
    roll -= share;
    if (roll < 0) {
      await work(actor);
      return;
    }
  }
}
