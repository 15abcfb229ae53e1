import type { Clock, Millis } from '@ojs-ts/core';
import { type JobId, type JobRecord, type NewJob, type NodeRef, State, type Transition } from '@ojs-ts/core/job';
import type { WorkflowReader } from '@ojs-ts/core/workflow';
import type { Beaten, Claim, Claimed, Inserted, InsertOptions, Moved, Storage } from '../storage/storage.ts';
import { coalesce } from './coalesce.ts';
import type { InFlight } from './in-flight.ts';
import type { QueueBound } from './queues/queue-bound.ts';
import type { Tracing } from './telemetry/tracing.ts';
import { type Beat, beat } from './workers/open-fetches.ts';
import { workflowReader } from './workflows/result-budget.ts';

/** The outcome of a transition, and the time that the storage got for it. */
export type Timed = Moved & { readonly at: Millis };

/** The storage's array operations as single calls that share batches. */
export interface Batches {
  readonly workflows: WorkflowReader;
  insert(group: readonly NewJob[]): Promise<readonly Inserted[]>;
  /** Several groups of one caller, each as `insert` does it, in their order. */
  insertAll(groups: readonly (readonly NewJob[])[]): Promise<readonly PromiseSettledResult<readonly Inserted[]>[]>;
  claim(claim: Claim): Promise<Claimed>;
  /** Resolves after the engine has advanced the workflow nodes that the change made ready. */
  transition(transition: Transition): Promise<Timed>;
  /** Several transitions of one caller, each as `transition` does it; answers what `read` makes of each. */
  transitionAll<T>(
    transitions: readonly Transition[],
    read: (moved: Moved, at: Millis) => T,
  ): Promise<readonly PromiseSettledResult<T>[]>;
  /** The job after the import of all completions that users' transactions have committed. */
  get(id: JobId): Promise<JobRecord | null>;
  /** The job as the store has it. A guarded change that is decided from it is refused if the job has changed since. */
  read(id: JobId): Promise<JobRecord | null>;
  beat(beat: Beat): Promise<Beaten>;
}

export interface BatchParts {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly insert: InsertOptions;
  /** Answers on their way, and the most that one call may claim of them, in bytes. */
  readonly answers: InFlight;
  readonly maxBytes: number;
  /** Advances nodes that a transition made ready. */
  readonly advance: (ready: readonly NodeRef[]) => Promise<void>;
  /** Imports what users' transactions have committed for a job. */
  readonly find: (id: JobId) => Promise<void>;
  /** Refuses queues that would be too many; waits only for those that are new to this server. */
  readonly admit: QueueBound['admit'];
  readonly tracing: Tracing;
}

export function batches({
  storage,
  clock,
  insert,
  answers,
  maxBytes,
  advance,
  find,
  admit,
  tracing,
}: BatchParts): Batches {
  const { parallel, maxBatch: max } = storage.traits;
  const options = { parallel, max, split: true, tracing };
  const grouped = coalesce(
    async (groups: readonly (readonly Transition[])[]) => {
      const at = clock.now();
      const moved = await storage.jobs.transition(groups.flat(), at);
      let end = 0;
      return groups.map((group) => {
        const start = end;
        end += group.length;
        return { moved: moved.slice(start, end), at };
      });
    },
    { ...options, weight: (group: readonly Transition[]) => group.length },
  );
  const transition = async (change: Transition): Promise<Timed> => {
    const { moved, at } = await grouped([change]);
    if (moved[0] === undefined) throw new Error('The store did not answer a transition.');
    return follow({ ...moved[0], at });
  };
  const follow = async <M extends Moved>(moved: M): Promise<M> => {
    if (hasReady(moved)) await advance(moved.ready);
    return moved;
  };
  const transitionGroup = async <T>(
    group: readonly Transition[],
    read: (moved: Moved, at: Millis) => T,
  ): Promise<readonly PromiseSettledResult<T>[]> => {
    const done = await grouped(group).catch((error: unknown) => {
      if (group.length === 1) throw error;
      return null;
    });
    // A job that the store cannot insert does not block others.
    if (done === null)
      return Promise.allSettled(
        group.map(async (one) => {
          const alone = await transition(one);
          return read(alone, alone.at);
        }),
      );
    const { moved, at } = done;
    if (moved.some(hasReady)) return Promise.allSettled(moved.map(async (one) => read(await follow(one), at)));
    return moved.map((one) => ({ status: 'fulfilled', value: read(one, at) }));
  };
  const insertGroups = coalesce(
    async (calls: readonly (readonly (readonly NewJob[])[])[]) => {
      const inserted = (await storage.jobs.insert(calls.flat(), clock.now(), insert)).values();
      return calls.map((groups) => [...inserted.take(groups.length)]);
    },
    {
      ...options,
      weight: (groups) => groups.reduce((sum, group) => sum + group.length, 0),
      isBatch: (groups) => groups.length > 1,
    },
  );
  const insertOne = async (group: readonly NewJob[]): Promise<readonly Inserted[]> => {
    tracing.about(group);
    const [inserted] = await insertGroups([group]);
    if (inserted === undefined) throw new Error('The store did not answer an insert.');
    return inserted;
  };
  const insertPart = async (
    groups: readonly (readonly NewJob[])[],
  ): Promise<readonly PromiseSettledResult<readonly Inserted[]>[]> => {
    try {
      return (await insertGroups(groups)).map((value) => ({ status: 'fulfilled', value }));
    } catch (error) {
      if (groups.length > 1) return Promise.allSettled(groups.map(insertOne));
      return [{ status: 'rejected', reason: error }];
    }
  };
  const readOne = coalesce((ids: readonly JobId[]) => storage.jobs.get(ids), options);
  const read = async (id: JobId): Promise<JobRecord | null> => {
    const job = await readOne(id);
    tracing.about([job]);
    return job;
  };
  // A claim without a request id is not repeatable: after an unknown outcome a second one would strand the jobs of the
  // first.
  const claimOnce = coalesce(
    async (claims: readonly Claim[]) => {
      const room = Math.min(maxBytes, Math.max(1, answers.room));
      const leave = answers.add(room);
      try {
        return await storage.jobs.claim(claims, clock.now(), room);
      } finally {
        leave();
      }
    },
    { ...options, split: false, weight: (claim: Claim) => claim.limit },
  );
  return {
    workflows: workflowReader(storage, maxBytes),
    async insert(group) {
      // Known queues, which are nearly all, do not wait.
      const admitted = admit(queuesOf(group));
      if (admitted !== undefined) await admitted;
      return insertOne(group);
    },
    async insertAll(all) {
      const refused = new Map<number, PromiseRejectedResult>();
      for (const [index, group] of all.entries()) {
        const admitted = admit(queuesOf(group));
        if (admitted !== undefined)
          await admitted.catch((reason: unknown) => refused.set(index, { status: 'rejected', reason }));
      }
      const groups = refused.size === 0 ? all : all.filter((_, index) => !refused.has(index));
      const inserted: PromiseSettledResult<readonly Inserted[]>[] = [];
      // One after the other: parts at once would be committed in any order.
      if (tracing.isOn) tracing.about(groups.flat());
      for (let at = 0; at < groups.length; at += max) inserted.push(...(await insertPart(groups.slice(at, at + max))));
      const answers = inserted.values();
      return refused.size === 0 ? inserted : all.flatMap((_, at) => refused.get(at) ?? [...answers.take(1)]);
    },
    async claim(claim) {
      for (;;) {
        if (answers.room <= 0) (await answers.enter(1))();
        const claimed = await claimOnce(claim);
        tracing.about(claimed.jobs);
        if (!claimed.deferred) return claimed;
      }
    },
    transition,
    async transitionAll(transitions, read) {
      const groups = Array.from({ length: Math.ceil(transitions.length / max) }, (_, index) =>
        transitionGroup(transitions.slice(index * max, (index + 1) * max), read),
      );
      return (await Promise.all(groups)).flat();
    },
    async get(id) {
      const job = await readOne(id);
      tracing.about([job]);
      if (storage.inbox === null || (job !== null && job.state !== State.active)) return job;
      await find(id);
      // Without waiting rows, another call may have imported them since the first look.
      return readOne(id);
    },
    read,
    beat: coalesce((beats: readonly Beat[]) => beat(storage, beats, clock), options),
  };
}

function queuesOf(group: readonly NewJob[]): readonly string[] {
  return group.map(({ queue }) => queue);
}

function hasReady(moved: Moved): moved is Extract<Moved, { readonly kind: 'moved' }> {
  return moved.kind === 'moved' && moved.ready.length > 0;
}
