import type { Clock, Millis } from '@ojs-ts/core';
import type { JobRecord } from '@ojs-ts/core/job';
import { deadAt, isSuspect } from '@ojs-ts/core/lifecycle';
import type { Beaten, Directive, Storage, WorkerBeat } from '../../storage/storage.ts';
import type { Batches } from '../batches.ts';
import type { Fetches, FetchRequest } from '../jobs/fetch.ts';
import type { Ack, Outcome, Settlement, Settlements } from '../jobs/settlement.ts';
import type { Suspects } from '../jobs/suspects.ts';
import type { EngineSettings } from '../options.ts';
import type { OlderWorkers } from '../steps/older-workers.ts';
import type { Upkeep } from '../upkeep/upkeep.ts';
import type { ParentResults } from '../workflows/parent-results.ts';
import type { Beat } from './open-fetches.ts';
import { isFinalBeat, type Presence } from './presence.ts';
import type { WorkerSecrets } from './secrets.ts';
import type { Workers } from './workers.ts';

/** How many quiet workers a node remembers. */
const maxQuiet = 10_000;

/**
 * How long a node believes that a worker is quiet: longer than the 5 s between two heartbeats, and no more, because the
 * heartbeat that says otherwise may arrive at another node.
 */
const quietMs = 6_000;

interface Parts {
  readonly storage: Storage;
  readonly batches: Batches;
  readonly clock: Clock;
  readonly fetches: Fetches;
  readonly settlements: Settlements;
  readonly parents: ParentResults;
  readonly suspects: Suspects;
  readonly olderWorkers: OlderWorkers;
  readonly presence: Presence;
  readonly workers: Workers;
  readonly secrets: WorkerSecrets;
  readonly upkeep: Upkeep;
  readonly settings: EngineSettings;
}

/** The calls of workers (ojs-worker-protocol): FETCH, ACK, FAIL, BEAT and their deregistration. */
export class WorkerProtocol {
  readonly #parts: Parts;
  /**
   * Workers that reported themselves quiet or terminating to this node, and when. A hint that spares them jobs which
   * they would return.
   */
  readonly #quiet = new Map<string, Millis>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Claims jobs; with `waitMs` waits for the first. An abort ends the wait. A quiet worker gets no job, and in
   * maintenance mode no worker does, except for jobs of an earlier fetch that is repeated.
   */
  async fetch(request: FetchRequest, signal?: AbortSignal): Promise<readonly JobRecord[]> {
    const { jobs, rest } = await this.#parts.parents.fill(await this.#claimed(request, signal));
    if (rest.length > 0) await this.giveBack(rest);
    return request.steps === true ? jobs : this.#parts.olderWorkers.spared(request.worker, jobs);
  }

  async #claimed(request: FetchRequest, signal?: AbortSignal): Promise<readonly JobRecord[]> {
    const { fetches, presence, secrets, suspects } = this.#parts;
    const { worker } = request;
    if (worker !== null) {
      const isQuiet = this.#isQuiet(worker);
      if (isQuiet && request.request === null) return [];
      await secrets.enter(worker, request.secretDigest ?? null);
      if (isQuiet) return fetches.repeated(request);
    }
    await presence.fetching(worker, request.queues, request.count);
    const jobs = await fetches.fetch(request, signal);
    return jobs.some(isSuspect) ? suspects.apart(worker, jobs) : jobs;
  }

  /** Undoes claims whose answer could not be delivered; their attempts do not count. */
  giveBack(jobs: readonly JobRecord[]): Promise<void> {
    return this.#parts.settlements.giveBack(jobs, 'undelivered');
  }

  /** ACK, FAIL and requeue (ojs-core §7.3–7.4). */
  settle(settlement: Settlement): Promise<Outcome> {
    return this.#parts.settlements.settle(settlement);
  }

  /** ACKs of one request of a worker, each with its own outcome. */
  acknowledge(acks: readonly Ack[]): Promise<readonly PromiseSettledResult<Outcome>[]> {
    return this.#parts.settlements.acknowledge(acks);
  }

  /** True if a worker with this id was on record: it has stopped, by itself or because of an error. */
  async remove(worker: string, reason: 'shutdown' | 'error' = 'shutdown'): Promise<boolean> {
    const { workers, secrets, presence } = this.#parts;
    this.#quiet.delete(worker);
    const removed = await workers.remove(worker);
    await secrets.remove(worker);
    if (removed) await presence.stopped(worker, reason);
    return removed;
  }

  /** Returns the worker's jobs, then deletes its record; false for an unknown worker. */
  async deregister(worker: string): Promise<boolean> {
    const { workers, clock, upkeep, settings, settlements } = this.#parts;
    const held: JobRecord[] = [];
    const beatAt = (await workers.find(worker))?.beatAt ?? null;
    // Without this, deregistering each crashed process would keep a job alive that kills its workers.
    const isDead = beatAt !== null && clock.now() >= deadAt(beatAt, upkeep.since, settings.deadAfterMs);
    for await (const jobs of workers.heldBy(worker)) held.push(...jobs);
    await (isDead ? settlements.takeBack(held, settings.poisonAfter) : settlements.giveBack(held, 'deregistered'));
    return (await this.remove(worker)) || held.length > 0;
  }

  /** BEAT (ojs-core §7.5). After a worker's last heartbeat (`terminate`) the engine deletes its record. */
  async beat(beat: Beat, secretDigest: string | null = null): Promise<Beaten> {
    const { secrets, presence, batches } = this.#parts;
    await secrets.enter(beat.worker, secretDigest);
    this.#noteState(beat);
    await presence.beating(beat);
    const beaten = await batches.beat(beat);
    if (isFinalBeat(beat) && (beat.openFetches?.length ?? 0) === 0) await this.#leave(beat.worker);
    return beaten;
  }

  /**
   * The worker has ended and holds nothing. A claim that is still in its name was made by a fetch that it broke off:
   * the job goes back uncounted, or it would wait for the end of its lease. Such a fetch may also wait here still.
   */
  async #leave(worker: string): Promise<void> {
    const { fetches, workers, settlements } = this.#parts;
    fetches.leave(worker);
    for await (const jobs of workers.heldBy(worker)) await settlements.giveBack(jobs, 'deregistered');
    await this.remove(worker);
  }

  #noteState({ worker, state }: WorkerBeat): void {
    this.#quiet.delete(worker);
    if (state === 'running') return;
    this.#quiet.set(worker, this.#parts.clock.now());
    const oldest = this.#quiet.size > maxQuiet ? this.#quiet.keys().next().value : undefined;
    if (oldest !== undefined) this.#quiet.delete(oldest);
  }

  #isQuiet(worker: string): boolean {
    const since = this.#quiet.get(worker);
    return since !== undefined && this.#parts.clock.now() - since < quietMs;
  }

  /** Sets an operator's order to a worker; false if the worker has no record. */
  direct(worker: string, directive: Directive | null): Promise<boolean> {
    return this.#parts.storage.registry.direct(worker, directive);
  }

  /** Forgets what this node remembers of workers; for tests. */
  forget(): void {
    this.#quiet.clear();
    this.#parts.presence.forget();
    this.#parts.suspects.forget();
    this.#parts.secrets.forget();
  }
}
