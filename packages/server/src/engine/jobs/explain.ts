import { type Clock, didYouMean, isQueueName, type Millis, ProtocolError } from '@ojs-ts/core';
import { readEntries } from '@ojs-ts/core/events';
import {
  type ActiveFacts,
  type AvailableFacts,
  type Explanation,
  explainActive,
  explainAvailable,
  explainEnded,
  explainStep,
  explainWaiting,
  type HeldLimit,
  jobsBefore,
  maxListed,
  type QueueReader,
  type Reason,
  type ReasonStep,
  type WorkerStatus,
} from '@ojs-ts/core/explain';
import {
  AllStates,
  type JobId,
  type JobQuery,
  type JobRecord,
  queueLimitKey,
  State,
  stateName,
  Terminal,
} from '@ojs-ts/core/job';
import { effectiveLimit, hasSlot, isIn, limitGroupOf, missingJob } from '@ojs-ts/core/lifecycle';
import { notFound } from '@ojs-ts/core/requests';
import type { NodeRecord } from '@ojs-ts/core/workflow';
import type { LimitRecord, QueueRecord, Storage, WorkflowRecord } from '../../storage/storage.ts';
import type { Maintenance } from '../maintenance.ts';
import type { EngineSettings } from '../options.ts';
import type { StoreHealth } from '../upkeep/store-health.ts';
import type { Upkeep } from '../upkeep/upkeep.ts';
import { descriptionOf, healthOf, type KnownWorker, type Workers } from '../workers/workers.ts';

/** The most jobs of one list; an explanation reads at most two. */
const maxRead = 200;
const maxBytes = 4_194_304;
/** The most events in which the pause of a queue is looked for, newest first. */
const maxEvents = 500;
/** The most nodes of a workflow in which a step is looked for, and of one read. */
const maxNodes = 2_000;
const nodePage = 500;
/** A unique policy cancels and inserts in one commit; the times of the two jobs differ by the wait for it. */
const replacedWithinMs = 2_000;

type Covers = (queue: string) => boolean;
const everyQueue: Covers = () => true;

interface Parts {
  readonly storage: Storage;
  readonly clock: Clock;
  /** The job after due promotions and expiries. */
  readonly find: (id: JobId) => Promise<JobRecord | null>;
  readonly workers: Workers;
  readonly upkeep: Upkeep;
  readonly storeHealth: StoreHealth;
  readonly maintenance: Maintenance;
  readonly settings: EngineSettings;
}

/** Gathers what core needs to explain why a job does not run. The work does not grow with the size of the store. */
export class Explainer {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Throws `not_found`.
   * @param covers queues that the asker may see: jobs of others are left out, as are the queues themselves.
   */
  async job(id: JobId, covers: Covers = everyQueue): Promise<Explanation> {
    const job = await this.#parts.find(id);
    if (job === null) throw missingJob(id);
    return this.#explain(job, covers);
  }

  /**
   * A step of a workflow by its name: a step that waits has no job yet. If several steps have this name, as in nested
   * workflows, the first is explained. Throws `not_found`.
   */
  async step(id: string, name: string, covers: Covers = everyQueue): Promise<Explanation> {
    const workflow = await this.#parts.storage.workflows.get(id);
    if (workflow === null) throw notFound('workflow', id);
    const nodes = await this.#nodes(id);
    const node = nodes.find((one) => one.name === name);
    if (node === undefined) {
      const among = nodes.length < maxNodes ? '' : ` among its first ${maxNodes}`;
      const advice = didYouMean(
        name,
        nodes.flatMap((one) => one.name ?? []),
      );
      const message = `The workflow ${id} has no step ${JSON.stringify(name.slice(0, 255))}${among}.${advice}`;
      const hint = `List its steps with ojs workflows show ${id} or GET /ojs/v1/workflows/${id}.`;
      throw new ProtocolError('not_found', message, { workflow_id: id }, hint);
    }
    const job = node.job === null || node.state === 'waiting' ? null : await this.#parts.find(node.job);
    if (job !== null) return { ...(await this.#explain(job, covers)), step: node.name };
    const open = node.state === 'waiting' ? await this.#openBefore(node, nodes) : [];
    return explainStep({ workflow, node, open }, this.#parts.clock.now());
  }

  async #explain(job: JobRecord, covers: Covers): Promise<Explanation> {
    const now = this.#parts.clock.now();
    if (isIn(job.state, Terminal)) return explainEnded(job, await this.#endedFacts(job, covers), now);
    if (job.state === State.active) return explainActive(job, await this.#activeFacts(job), now);
    const maintenance = await this.#parts.maintenance.read();
    if (job.state !== State.available) return explainWaiting(job, maintenance, now);
    const explanation = explainAvailable(job, await this.#availableFacts(job, maintenance, covers, now), now);
    return covers === everyQueue ? explanation : this.#covered(explanation, covers);
  }

  async #availableFacts(
    job: JobRecord,
    maintenance: AvailableFacts['maintenance'],
    covers: Covers,
    now: Millis,
  ): Promise<AvailableFacts> {
    const [readers, limits] = await Promise.all([this.#parts.workers.list(), this.#limits(job)]);
    const asked = readers.map((worker) => queuesOf(worker) ?? []).filter((names) => names.includes(job.queue));
    const names = new Set([job.queue, ...asked.flat().filter((name) => typeof name === 'string' && isQueueName(name))]);
    const queues = await this.#parts.storage.registry.queues([...names]);
    const queue = queues.find(({ name }) => name === job.queue);
    const available = queue?.counts[State.available] ?? 0;
    const paused = queue?.paused === true;
    const { reason, message = reason ?? '', status: writes } = this.#parts.storeHealth.writes;
    const status = (worker: KnownWorker) =>
      statusOf(worker, now, this.#parts.upkeep.since, this.#parts.settings.deadAfterMs);
    return {
      paused,
      pausedSince: paused ? await this.#pausedSince(job.queue) : null,
      available,
      before: await this.#before(job, available),
      limits,
      readers: readersOf(
        job.queue,
        readers,
        queues.filter(({ name }) => covers(name)),
        status,
      ),
      silentReaders: readers.filter((worker) => !queuesOf(worker) && status(worker) === 'live').length,
      refusesWrites: writes === 'fail' ? message : null,
      maintenance,
    };
  }

  /** Without the jobs of other queues, and with a sign where some were left out. */
  async #covered(explanation: Explanation, covers: Covers): Promise<Explanation> {
    const reasons: Reason[] = [];
    for (const { jobs, ...reason } of explanation.reasons) {
      if (jobs === undefined) {
        reasons.push(reason);
        continue;
      }
      const found = await this.#parts.storage.jobs.get(jobs.map(({ id }) => id));
      const seen = jobs.filter((_, at) => covers(found[at]?.queue ?? ''));
      const partial = seen.length < jobs.length || reason.partial;
      reasons.push({ ...reason, ...(seen.length > 0 && { jobs: seen }), ...(partial && { partial }) });
    }
    return { ...explanation, reasons };
  }

  async #activeFacts({ worker }: JobRecord): Promise<ActiveFacts> {
    const workers = worker === null ? [] : await this.#parts.storage.registry.workers();
    return {
      worker: workers.find((one) => one.worker === worker) ?? null,
      since: this.#parts.upkeep.since,
      deadAfterMs: this.#parts.settings.deadAfterMs,
      poisonAfter: this.#parts.settings.poisonAfter,
    };
  }

  async #endedFacts(
    job: JobRecord,
    covers: Covers,
  ): Promise<{ workflow: WorkflowRecord | null; successor: JobId | null }> {
    const { node } = job;
    if (job.state !== State.cancelled) return { workflow: null, successor: null };
    const [workflow, successor] = await Promise.all([
      node === null ? null : this.#parts.storage.workflows.get(node.workflow),
      this.#successor(job, covers),
    ]);
    return { workflow, successor };
  }

  async #successor({ id, type, uniqueKey, createdAt, finishedAt }: JobRecord, covers: Covers): Promise<JobId | null> {
    if (uniqueKey === null || finishedAt === null) return null;
    const jobs = await this.#list({ states: AllStates, type });
    const fits = (other: JobRecord) =>
      other.id !== id &&
      covers(other.queue) &&
      other.uniqueKey === uniqueKey &&
      other.createdAt >= createdAt &&
      Math.abs(other.createdAt - finishedAt) <= replacedWithinMs;
    return jobs.find(fits)?.id ?? null;
  }

  /** The limits that a claim checks for the job. */
  async #limits({ queue, limits: keys }: JobRecord): Promise<readonly HeldLimit[]> {
    const all = [queueLimitKey(queue), ...limitGroupOf(keys)];
    const found = await Promise.all(all.map((key) => this.#parts.storage.registry.limit(key)));
    const limits = found.filter((limit) => limit !== null);
    if (!limits.some(isFull)) return limits.map((limit) => ({ ...limit, holders: [] }));
    // Most holders are in the queue of the job.
    const near = await this.#list({ states: State.active, queue });
    const held = limits.map((limit) => ({ ...limit, holders: holdersOf(limit, near) }));
    if (held.every((limit) => !isFull(limit) || limit.holders.length >= Math.min(limit.active, maxListed))) return held;
    const anywhere = await this.#list({ states: State.active });
    const byId = new Map([...near, ...anywhere].map((job) => [job.id, job]));
    return limits.map((limit) => ({ ...limit, holders: holdersOf(limit, [...byId.values()]) }));
  }

  /** Null if the queue has too many available jobs to count. */
  async #before(job: JobRecord, available: number): Promise<number | null> {
    if (available > maxRead) return null;
    const { items, next } = await this.#parts.storage.jobs.list(pageOf({ states: State.available, queue: job.queue }));
    return next === null ? jobsBefore(job, items) : null;
  }

  async #list(query: Omit<JobQuery, 'limit'>): Promise<readonly JobRecord[]> {
    return (await this.#parts.storage.jobs.list(pageOf(query))).items;
  }

  /** Null if the newest events do not have the pause. */
  async #pausedSince(queue: string): Promise<Millis | null> {
    const { newest } = await this.#parts.storage.events(0, 1);
    const { batches } = await this.#parts.storage.events(Math.max(0, newest - maxEvents), maxEvents);
    const batch = batches.findLast(({ entries }) =>
      readEntries(entries).some(([kind, , , of]) => kind === 'queue.paused' && of === queue),
    );
    return batch?.at ?? null;
  }

  async #nodes(id: string): Promise<readonly NodeRecord[]> {
    const nodes: NodeRecord[] = [];
    while (nodes.length < maxNodes) {
      const part = await this.#parts.storage.workflows.nodes(id, nodes.at(-1)?.index ?? -1, nodePage);
      nodes.push(...part);
      if (part.length < nodePage) break;
    }
    return nodes;
  }

  async #openBefore({ index }: NodeRecord, nodes: readonly NodeRecord[]): Promise<readonly ReasonStep[]> {
    const open = nodes.filter(({ next, closedAt }) => closedAt === null && next.includes(index)).slice(0, maxListed);
    const ids = open.flatMap(({ job, state }) => (job !== null && state === 'pending' ? [job] : []));
    const jobs = new Map(
      (await this.#parts.storage.jobs.get(ids)).flatMap((job) => (job === null ? [] : [[job.id, job]])),
    );
    return open.map(({ name, state, job: id }) => {
      const job = id === null ? undefined : jobs.get(id);
      return { name, state: job === undefined ? state : stateName(job.state), job: job?.id ?? null };
    });
  }
}

function pageOf(query: Omit<JobQuery, 'limit'>): JobQuery {
  return { ...query, limit: maxRead, maxBytes };
}

/** Reports whether the limit has holders that keep others from starting. */
export function isFull(limit: LimitRecord): boolean {
  return limit.active > 0 && !hasSlot(effectiveLimit(limit), limit.active);
}

/** The jobs out of these that hold a slot of the limit. */
export function holdersOf({ key }: LimitRecord, active: readonly JobRecord[]): HeldLimit['holders'] {
  const holders = active.filter((job) => key === queueLimitKey(job.queue) || limitGroupOf(job.limits).includes(key));
  return holders.map(({ id, worker, startedAt }) => ({ id, worker, since: startedAt }));
}

/** The queues that a worker reads, in the order of its fetches; null if it does not say. */
function queuesOf(worker: KnownWorker): readonly unknown[] | null {
  const { queues } = descriptionOf(worker);
  return Array.isArray(queues) ? queues : null;
}

function statusOf(worker: KnownWorker, now: Millis, since: Millis, deadAfterMs: number): WorkerStatus {
  const health = healthOf(worker, now, since, deadAfterMs);
  if (health !== 'ok') return health === 'unhealthy' ? 'dead' : 'unknown';
  return worker.state === 'running' ? 'live' : worker.state === 'quiet' ? 'quiet' : 'terminating';
}

function readersOf(
  queue: string,
  workers: readonly KnownWorker[],
  queues: readonly QueueRecord[],
  status: (worker: KnownWorker) => WorkerStatus,
): readonly QueueReader[] {
  const open = new Map(queues.flatMap(({ name, paused, counts }) => (paused ? [] : [[name, counts[State.available]]])));
  return workers.flatMap((worker): QueueReader[] => {
    const asked = queuesOf(worker) ?? [];
    const place = asked.indexOf(queue);
    if (place < 0) return [];
    const { concurrency } = descriptionOf(worker);
    const first = asked.slice(0, place).flatMap((name) => {
      const available = typeof name === 'string' ? (open.get(name) ?? 0) : 0;
      return typeof name === 'string' && available > 0 ? [{ name, available }] : [];
    });
    return [
      {
        id: worker.worker,
        status: status(worker),
        seenAt: worker.beatAt ?? worker.fetchedAt,
        slots: typeof concurrency === 'number' ? concurrency : null,
        holds: worker.holds,
        first,
      },
    ];
  });
}
