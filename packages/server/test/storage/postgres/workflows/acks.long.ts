import { type JobRecord, State, type Transition } from '@ojs-ts/core/job';
import type { NewNode } from '@ojs-ts/core/workflow';
import pg from 'pg';
import { expect } from 'vitest';
import { memoryStorage } from '../../../../src/storage/memory/memory.ts';
import { readPostgresUrl } from '../../../../src/storage/postgres/connection/url.ts';
import type { Storage } from '../../../../src/storage/storage.ts';
import { invariantErrors } from '../../invariants.ts';
import { claim, eventLog, get, idOf, insert, newJob, newNode, newWorkflow, t0 } from '../../suite/tools.ts';
import { openPostgres, test } from '../schema.ts';
import { openStores } from '../stores.ts';

/** Members, and one node behind all of them. */
function group(size: number, first: number): readonly NewNode[] {
  const members = Array.from({ length: size }, (_, index) =>
    newNode(index, { name: `step "${index}" é`, job: idOf(first + index), next: [size] }),
  );
  return [...members, newNode(size, { job: null, open: size, member: false })];
}

async function create(
  storage: Storage,
  id: string,
  size: number,
  first: number,
  { kind = 'group', types = ['a'] }: { readonly kind?: string; readonly types?: readonly string[] } = {},
): Promise<void> {
  const nodes = group(size, first);
  const starts = new Map(
    nodes.flatMap(({ index, job }) =>
      job === null
        ? []
        : [[index, newJob(first + index, { type: types[index % types.length] ?? 'a', queue: 'main' })] as const],
    ),
  );
  const created = await storage.workflows.create(
    newWorkflow({ id, kind, name: 'naïve "group"', total: size }),
    nodes,
    [],
    t0,
    starts,
  );
  const steps = created.ready.flatMap((node) => {
    const job = starts.get(node.index);
    return job ? [{ kind: 'start' as const, node, job: { ...job, node }, events: [] }] : [];
  });
  await storage.workflows.advance(steps, t0);
}

function ack({ id, claim, worker }: JobRecord, result: string | null = `{"of":"${id}"}`): Transition {
  return {
    id,
    claim,
    from: State.active,
    to: State.completed,
    result,
    events: [{ kind: 'job.completed' }],
    ...(worker !== null && { worker }),
  };
}

/** The same calls: two types of jobs, a batch with plain jobs among the members, starts at different times. */
async function exercise(storage: Storage): Promise<unknown> {
  await create(storage, 'one', 12, 0, { types: ['a', 'a', 'b'] });
  await create(storage, 'batch', 4, 100, { kind: 'batch' });
  await create(storage, 'chain', 3, 200, { kind: 'chain' });
  await insert(
    storage,
    [300, 301].map((n) => newJob(n, { queue: 'main', type: 'a' })),
  );
  const early = await claim(storage, { queues: ['main'], limit: 5 }, t0 + 1);
  const late = await claim(storage, { queues: ['main'], limit: 50 }, t0 + 2);
  const jobs = new Map([...early, ...late].map((job) => [job.id, job]));
  const answers: unknown[] = [];
  const send = async (numbers: readonly number[], at: number) => {
    const acks = numbers
      .flatMap((n) => jobs.get(idOf(n)) ?? [])
      .map((job, nth) => ack(job, nth === 1 ? null : undefined));
    const moved = await storage.jobs.transition(acks, t0 + at);
    answers.push(moved.map((one) => [one.kind, one.kind === 'moved' ? one.ready : null]));
  };
  // Not in the order of ids, members and others.
  await send([300, 3, 0, 1, 2, 4], 10);
  await send([5, 6, 100], 11);
  await send([7, 7], 12);
  await send([0, 8], 13);
  await send([101, 102], 14);
  await send([200], 15);
  await storage.jobs.transition([{ ...ack(await get(storage, idOf(9))), to: State.discarded, events: [] }], t0 + 16);
  await send([301, 10], 17);
  await send([11], 18);
  await send([103], 19);
  await storage.workflows.cancel('chain', [], t0 + 20);
  await send([201, 202], 21);
  const flows = ['one', 'batch', 'chain'];
  return {
    answers,
    flows: await Promise.all(flows.map((id) => storage.workflows.get(id))),
    nodes: await Promise.all(flows.map((id) => storage.workflows.nodes(id, -1, 100))),
    jobs: await storage.jobs.get([...jobs.keys()].toSorted()),
    log: (await eventLog(storage)).map(({ entry, at }) => [at, entry]),
    counts: (await storage.registry.queues()).map(({ counts }) => counts),
  };
}

test('acks of members give the same answers, rows and events as in memory, whichever statements make them', async () => {
  await using memory = memoryStorage();
  await using postgres = await openPostgres();
  expect(await exercise(postgres)).toEqual(await exercise(memory));
  expect(await invariantErrors(postgres)).toEqual([]);
});

test('an ack that waits for its workflow goes by what the lock shows: the dependent that others have lowered, the end of the workflow', async () => {
  await using stores = await openStores(3);
  const [first, second, third] = stores.all;
  if (!first || !second || !third) throw new Error('No store.');
  await create(first, 'lowered', 4, 0);
  await create(first, 'ended', 4, 10);
  const jobs = await claim(first, { queues: ['main'], limit: 8 });
  const acks = jobs.map((job) => ack(job));
  const [holder, watcher] = [1, 2].map(() => new pg.Client({ connectionString: stores.url }));
  if (!holder || !watcher) throw new Error('No client.');
  await Promise.all([holder.connect(), watcher.connect()]);
  const waiting = `SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event IN ('tuple', 'transactionid')`;
  const schema = readPostgresUrl(stores.url).schema;
  /** Sends one call after the other while the workflows are locked, each once the one before it waits. */
  const queued = async (...calls: readonly (() => Promise<unknown>)[]) => {
    await holder.query('BEGIN');
    await holder.query(`SELECT FROM "${schema}".workflows FOR UPDATE`);
    const sent: Promise<unknown>[] = [];
    for (const call of calls) {
      sent.push(call());
      // A transaction sees the first answer again.
      while ((await watcher.query(waiting)).rows[0].count < sent.length);
    }
    await holder.query('COMMIT');
    return Promise.all(sent);
  };
  const lowered = await queued(
    () => second.jobs.transition(acks.slice(0, 2), t0 + 1),
    () => third.jobs.transition(acks.slice(2, 4), t0 + 1),
  );
  expect(lowered.flat()).toMatchObject([
    { ready: [] },
    { ready: [] },
    { ready: [] },
    { ready: [{ workflow: 'lowered', index: 4 }] },
  ]);
  const { newest } = await first.events(0, 1);
  await queued(
    () => second.workflows.cancel('ended', [], t0 + 2),
    () => third.jobs.transition(acks.slice(4, 6), t0 + 3),
  );
  expect(await first.workflows.get('ended')).toMatchObject({ state: 'cancelled', completed: 2 });
  expect((await eventLog(first, newest)).map(({ kind }) => kind)).toEqual(['job.completed', 'job.completed']);
  expect(await invariantErrors(first)).toEqual([]);
  await Promise.all([holder.end(), watcher.end()]);
  expect((await stores.close('nodes')).deadlocks).toBe(0);
});

const clients = 8;
const members = 2000;

test('eight clients ack members beside heartbeats, failures and the cancellation of another group: exact counts, one ready node, no deadlock', async () => {
  await using stores = await openStores(clients);
  const [first] = stores.all;
  if (!first) throw new Error('No store.');
  await create(first, 'kept', members, 0);
  await create(first, 'cancelled', members / 2, 10_000);
  await insert(
    first,
    Array.from({ length: 200 }, (_, n) => newJob(20_000 + n, { queue: 'main' })),
  );
  const ready: unknown[] = [];
  let discarded = 0;
  const kept = new Set(Array.from({ length: members }, (_, n) => idOf(n)));
  let done = 0;
  const work = async (storage: Storage, worker: string) => {
    for (;;) {
      const jobs = (await claim(storage, { queues: ['main'], limit: 20, worker }, t0 + 1)).toSorted(
        () => Math.random() - 0.5,
      );
      if (jobs.length === 0) return;
      const half = jobs.length >> 1;
      const beat = {
        worker,
        holds: jobs.map(({ id, claim }) => ({ id, claim })),
        leaseMs: null,
        state: 'running',
        info: '{}',
      } as const;
      const failed = jobs.slice(0, 1).map((job): Transition => ({ ...ack(job), to: State.discarded, events: [] }));
      const calls = [
        failed,
        jobs.slice(1, half).map((job) => ack(job)),
        jobs.slice(Math.max(1, half)).map((job) => ack(job)),
      ];
      const [, ...answers] = await Promise.all([
        storage.registry.beat([beat], t0 + 2),
        ...calls.map((call) => storage.jobs.transition(call, t0 + 2)),
        // A repeat that meets the original.
        storage.jobs.transition(calls[1] ?? [], t0 + 2),
      ]);
      const moved = answers.flat().filter((one) => one.kind === 'moved');
      expect(moved).toHaveLength(jobs.length);
      ready.push(...moved.flatMap((one) => one.ready));
      discarded += failed.filter(({ id }) => kept.has(id)).length;
      done += jobs.length;
      if (done > members / 2 && storage === first) await first.workflows.cancel('cancelled', [], t0 + 3);
    }
  };
  await Promise.all(stores.all.map((storage, at) => work(storage, `w${at}`)));
  expect(ready).toContainEqual({ workflow: 'kept', index: members });
  expect(new Set(ready.map((one) => JSON.stringify(one))).size).toBe(ready.length);
  expect(await first.workflows.get('kept')).toMatchObject({ completed: members - discarded, failed: discarded });
  expect(await first.workflows.get('cancelled')).toMatchObject({ state: 'cancelled' });
  const nodes = await first.workflows.nodes('kept', -1, members + 1);
  expect(nodes.at(-1)).toMatchObject({ open: 0, failed: discarded, state: 'waiting' });
  const log = await eventLog(first);
  const counted = log.flatMap(({ kind, id, entry }) =>
    kind === 'workflow.job_completed' && id === 'kept' ? [Object(entry.at(-1)).completed_count] : [],
  );
  expect(counted).toEqual(Array.from({ length: members - discarded }, (_, number) => number + 1));
  expect(await invariantErrors(first)).toEqual([]);
  expect((await stores.close('nodes')).deadlocks).toBe(0);
});
