import { enqueue, holdOf, oneOf, retryPolicy, rollAt, sleep, type Work } from './actor.ts';

const unfinished = ['waiting', 'scheduled', 'pending', 'active', 'retryable'];

/** A third of the jobs fails first; a tenth has a priority. */
export const plain: Work = async (actor) => {
  const { roll, context } = actor;
  const failures = rollAt(roll, 0) < 0.3 ? 1 + Math.floor(3 * rollAt(roll, 1)) : 0;
  const priority = rollAt(roll, 4) < 0.1 ? Math.floor(10 * rollAt(roll, 5)) : 0;
  await enqueue(
    actor,
    { holdMs: holdOf(context, rollAt(roll, 2), rollAt(roll, 3)), failures },
    { queue: 'plain', priority },
  );
};

/** A handler that blocks its event loop, for up to a lease: its worker's heartbeats wait. */
export const blocking: Work = async (actor) => {
  const { roll, context } = actor;
  await enqueue(
    actor,
    { holdMs: 20, blockMs: Math.floor(context.parameters.leaseMs * rollAt(roll, 0)) },
    { queue: 'plain' },
  );
};

export const limited: Work = async (actor) => {
  const { roll, context } = actor;
  await enqueue(actor, { holdMs: holdOf(context, rollAt(roll, 2), rollAt(roll, 3)) }, { queue: 'limited' });
};

export const tenantLimit = 3;

/** A limit that comes with the job. */
export const tenant: Work = async (actor) => {
  const { roll, context } = actor;
  const limit = { key: 'tenant', concurrency: tenantLimit };
  const id = await enqueue(
    actor,
    { holdMs: holdOf(context, rollAt(roll, 2), rollAt(roll, 3)), told: { limits: [limit] } },
    { queue: 'plain', limits: [limit] },
  );
  context.limited.set(id, limit.key);
};

export const rated: Work = async (actor) => {
  const rate = { count: 5, windowMs: 2_000 };
  await enqueue(
    actor,
    { holdMs: 20, told: { limits: [{ key: 'mail', rate }] } },
    { queue: 'plain', limits: [{ key: 'mail', rate: { limit: rate.count, period: rate.windowMs } }] },
  );
};

/** Some fail first: a job that waits for its next attempt holds its key. */
export const unique: Work = async (actor) => {
  const { roll, context } = actor;
  const key = `u${Math.floor(5 * rollAt(roll, 0))}`;
  const onConflict = oneOf(['reject', 'ignore', 'replace'] as const, roll, 1);
  await enqueue(
    actor,
    {
      holdMs: holdOf(context, rollAt(roll, 2), rollAt(roll, 3)),
      failures: Math.floor(4 * rollAt(roll, 4)),
      told: { unique: { key, states: unfinished } },
    },
    { queue: 'plain', meta: { key }, unique: { keys: ['type', 'meta'], metaKeys: ['key'], onConflict } },
  );
};

/** Delays of up to 5 s. */
export const scheduled: Work = async (actor) => {
  const delay = Math.floor(5_000 * rollAt(actor.roll, 0));
  await enqueue(actor, { holdMs: 20 }, { queue: 'plain', delay });
};

export const cancelled: Work = async (actor) => {
  const { roll, context, process } = actor;
  const holdMs = holdOf(context, rollAt(roll, 2), rollAt(roll, 3));
  const id = await enqueue(actor, { holdMs }, { queue: 'plain', delay: Math.floor(300 * rollAt(roll, 4)) });
  await sleep(1_000 * rollAt(roll, 0));
  await process.client.cancelJob(id);
};

export const reporting: Work = async (actor) => {
  const holdMs = Math.floor(2_000 * rollAt(actor.roll, 0));
  await enqueue(actor, { holdMs, reports: 1 + Math.floor(4 * rollAt(actor.roll, 1)) }, { queue: 'plain' });
};

export const checkpointing: Work = async (actor) => {
  const { roll, context } = actor;
  const holdMs = holdOf(context, rollAt(roll, 2), rollAt(roll, 3));
  await enqueue(
    actor,
    { holdMs, checkpoints: 1 + Math.floor(3 * rollAt(roll, 0)), failures: Math.floor(3 * rollAt(roll, 1)) },
    { queue: 'plain' },
  );
};

/** Fails until the dead letter has it; then somebody retries it, and it fails again. */
export const deadLetter: Work = async (actor) => {
  const { roll, process } = actor;
  const id = await enqueue(
    actor,
    { holdMs: 20, failures: 99 },
    { queue: 'plain', retry: { onExhaustion: 'dead_letter' } },
    2,
  );
  await sleep(1_000 + 4_000 * rollAt(roll, 0));
  await process.client.retryDeadLetterJob(id);
};

export const bulk: Work = async ({ roll, process, context }) => {
  const { policy, told } = retryPolicy(context);
  const count = 2 + Math.floor(8 * rollAt(roll, 0));
  const requests = Array.from({ length: count }, (_, index) => ({
    type: 'job.plain',
    args: [{ holdMs: Math.floor((100 * index) / count), told: { retry: told } }],
    queue: 'plain',
    retry: policy,
  }));
  for (const { id } of await process.client.enqueueBatch(requests)) context.made.push(id);
};

/** Held back until somebody activates it. */
export const pending: Work = async (actor) => {
  const id = await enqueue(actor, { holdMs: 20 }, { queue: 'plain', pending: true });
  await sleep(2_000 * rollAt(actor.roll, 0));
  await actor.process.client.activateJob(id);
};
