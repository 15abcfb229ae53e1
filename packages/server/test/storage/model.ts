import fc from 'fast-check';
import { expect } from 'vitest';
import { memoryStorage } from '../../src/storage/memory/memory.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { checkProperty } from '../support/property.ts';
import { acks, claim, holders, insert, jobOpening, jobReads, keyedOpening, remove, transitions } from './model/jobs.ts';
import { recordReads, recordSteps, stepRows } from './model/records.ts';
import { beat, operator, prune, registryReads, upkeep } from './model/registry.ts';
import { allHeld, allPages, cronNames, limitKeys, queueNames, readLog, type Step, workflowIds } from './model/steps.ts';
import { allWorkflows, workflowOpening, workflowReads, workflowSteps } from './model/workflows.ts';
import { allLimits, claimOf, countErrors, t0 } from './suite/tools.ts';

/**
 * Time passes, then the calls are made at once. Reads are made alone: they need not see a write that is still under
 * way.
 */
interface Turn {
  readonly passes: number;
  readonly steps: readonly Step[];
}

const reads = fc.oneof(jobReads, registryReads, workflowReads, recordReads);
const write = fc.oneof(
  { weight: 5, arbitrary: insert },
  { weight: 6, arbitrary: claim },
  { weight: 7, arbitrary: transitions },
  { weight: 4, arbitrary: acks },
  { weight: 2, arbitrary: beat },
  { weight: 1, arbitrary: prune },
  { weight: 1, arbitrary: remove },
  { weight: 3, arbitrary: operator },
  { weight: 1, arbitrary: upkeep },
  { weight: 3, arbitrary: workflowSteps },
  { weight: 2, arbitrary: recordSteps },
);

const turn: fc.Arbitrary<Turn> = fc.record({
  passes: fc.oneof(fc.constant(0), fc.nat({ max: 30 })),
  steps: fc.oneof(
    { weight: 4, arbitrary: fc.array(write, { minLength: 1, maxLength: 3 }) },
    { weight: 1, arbitrary: reads.map((read) => [read]) },
  ),
});
const opening: Turn = { passes: 0, steps: [jobOpening, ...keyedOpening, ...workflowOpening] };

export const script: fc.Arbitrary<readonly Turn[]> = fc
  .tuple(fc.boolean(), fc.array(turn, { minLength: 1, maxLength: 40, size: 'max' }))
  .map(([opened, turns]) => (opened ? [opening, ...turns] : turns));

/** Makes the calls of a script on both storages; every answer and all that is left must be equal. */
export async function compare(model: Storage, subject: Storage, turns: readonly Turn[]): Promise<void> {
  await Promise.all([model.clear(), subject.clear()]);
  // A new minute begins within a script.
  let now = t0 + 59_900;
  for (const { passes, steps } of turns) {
    now += passes;
    const [expected, actual] = await Promise.all([model, subject].map((storage) => callAll(storage, steps, now)));
    expect(actual, steps.map(({ name }) => name).join('; ')).toEqual(expected);
  }
  const [expected, actual] = await Promise.all([model, subject].map((storage) => remains(storage, now)));
  expect(actual).toEqual(expected);
  expect(await countErrors(subject)).toEqual([]);
}

/** Compares at least so many scripts on the storage with those on a storage in memory. */
export async function compareWithMemory(subject: Storage, atLeast: number): Promise<void> {
  await using model = memoryStorage();
  let runs = 0;
  const property = fc.asyncProperty(script, async (turns) => {
    runs += 1;
    await compare(model, subject, turns);
  });
  await checkProperty(property, { atLeast, atMost: 500, ms: 8_000 });
  expect(runs).toBeGreaterThanOrEqual(atLeast);
}

/** All at once where calls made at once take effect in their order, else one after the other. */
async function callAll(storage: Storage, steps: readonly Step[], now: number): Promise<readonly unknown[]> {
  if (storage.traits.inProcess) return Promise.all(steps.map(({ call }) => call(storage, now)));
  const answers: unknown[] = [];
  for (const { call } of steps) answers.push(await call(storage, now));
  return answers;
}

/** What a storage holds and would hand out. It hands it out, so nothing is left to look at. */
export async function remains(storage: Storage, now: number): Promise<unknown> {
  return {
    jobs: await allPages((after) => storage.jobs.list({ states: 0xff, limit: 7, ...(after !== null && { after }) })),
    errors: await storage.jobs.errors({ states: 0xff, limit: 9 }),
    queues: await storage.registry.queues(),
    limits: await allPages((after) => storage.registry.limits({ limit: 2, ...(after !== null && { after }) })),
    statistics: await storage.registry.statistics(0),
    workers: await storage.registry.workers(),
    workflows: await allWorkflows(storage.workflows, { states: null, limit: 1 }),
    nodes: await Promise.all(workflowIds.map((id) => storage.workflows.nodes(id, -1, 9))),
    unfinished: await storage.workflows.unfinished(9),
    runs: await storage.jobs.runs(cronNames, 9),
    documents: await storage.records.scan('kind', { limit: 9 }),
    audit: await storage.records.scan('audit', { limit: 1_000 }),
    rows: await stepRows(storage),
    overdue: await storage.upkeep.overdue(now + 1_000_000, 100),
    held: await allHeld(storage, 3),
    holders: await holders(storage, now),
    order: await order(storage, now),
    log: await readLog(storage.events(0, 1_000_000)),
  };
}

/** What the queues hand out now, and what comes after it when no limit holds any longer. */
async function order(storage: Storage, now: number): Promise<unknown> {
  const all = [claimOf({ queues: queueNames, limit: 100, worker: null, defaultLeaseMs: 1 })];
  const open = await storage.jobs.claim(all, now);
  for (const key of limitKeys) await storage.registry.overrideLimit(key, { concurrency: null, rates: [] }, now);
  return [open, await storage.jobs.claim(all, now), await allLimits(storage)];
}
