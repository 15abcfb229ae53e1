// A child process: carries out one task on a store of its own or on a server, and ends.
import type { Transport } from '@ojs-ts/core';
import { Client } from '@ojs-ts/sdk';
import { openEmbedded } from '@ojs-ts/server';
import { batch } from './scenarios/batch.ts';
import { drain } from './scenarios/drain.ts';
import { enqueue } from './scenarios/enqueue.ts';
import { paced } from './scenarios/paced.ts';
import { consume, pickup, produce } from './scenarios/pickup.ts';
import { subjectOf } from './scenarios/subject.ts';
import { Stopwatch } from './stopwatch.ts';
import { type Measured, type Message, type Outcome, type Task, usualCallers } from './task.ts';
import { deletingRetention } from './terms.ts';

/**
 * @param ready Called when a worker waits for jobs that somebody else will enqueue, and when all jobs of a drain wait
 * for one.
 */
export async function carryOut(task: Task, ready: () => void = () => {}): Promise<Outcome> {
  if ('url' in task.target) {
    const { url, others = [] } = task.target;
    return measure(task, [url, ...others.map((other) => other.url)], ready);
  }
  const isDeleting = task.scenario.name === 'drain' && task.scenario.deleting;
  const transport = await openEmbedded(task.target.storage, isDeleting ? { retention: deletingRetention } : {});
  try {
    return await measure(task, [transport], ready);
  } finally {
    await transport[Symbol.asyncDispose]();
  }
}

/** @param targets The first one is the client's, too. */
async function measure(
  task: Task,
  targets: readonly [string | Transport, ...(string | Transport)[]],
  ready: () => void,
): Promise<Outcome> {
  const client = new Client(targets[0]);
  try {
    const { durability } = await client.manifest();
    if (task.warm) await run({ ...task, jobs: task.warm }, client, targets, ready);
    return {
      ...(await run(task, client, targets, ready)),
      durability: typeof durability === 'string' ? durability : 'not told',
    };
  } finally {
    await client.close();
  }
}

async function run(
  task: Task,
  client: Client,
  targets: readonly [string | Transport, ...(string | Transport)[]],
  ready: () => void,
): Promise<Measured> {
  const [target] = targets;
  const { scenario, jobs, role } = task;
  const watch = new Stopwatch(task);
  switch (scenario.name) {
    case 'enqueue':
      return enqueue(client, jobs, scenario.callers ?? usualCallers, watch);
    case 'batch':
      return batch(client, jobs, watch);
    case 'drain':
      return drain(client, targets, jobs, scenario, watch, ready);
    case 'pickup':
      if (role === 'worker') return { kind: 'times', times: await consume(client, target, jobs, ready) };
      if (role === 'producer') return { kind: 'times', times: await produce(client, jobs) };
      return pickup(client, target, jobs);
    case 'paced':
      return paced(subjectOf(client, target), scenario.rate, scenario.seconds);
  }
}

function tell(message: Message): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, undefined, {}, () => resolve());
  });
}

if (import.meta.main && process.send) {
  process.once('message', (task: Task) => {
    carryOut(task, () => tell({ ready: true }))
      .then(
        (outcome) => tell({ outcome }),
        (error: unknown) => tell({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
      )
      // A broken run may have left timers that would keep the process, and whoever waits for it, for ever.
      .finally(() => process.exit());
  });
}
