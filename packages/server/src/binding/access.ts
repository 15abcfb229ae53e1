import { isCronName, isUuidv7, type Millis, ProtocolError } from '@ojs-ts/core';
import {
  coversEveryQueue,
  coversQueue,
  type Grant,
  grants,
  lacksRight,
  type Right,
  reachBeyond,
} from '@ojs-ts/core/access';
import type { Targets } from '@ojs-ts/core/bulk';
import type { Access } from '@ojs-ts/core/handlers';
import {
  cronDestination,
  type Destination,
  type JobRecord,
  type Json,
  nodeDestination,
  type ReadEnvelope,
  sizeOf,
} from '@ojs-ts/core/job';
import { type OperationName, operations } from '@ojs-ts/core/operations';
import type { NewNode, NewWorkflow } from '@ojs-ts/core/workflow';
import type { Parts } from '../engine/engine.ts';
import { PageSize } from '../engine/page-size.ts';
import type { Channel } from '../realtime/streams/channel.ts';
import type { Filter } from '../realtime/streams/selection.ts';

type Engine = Parts<'bulkOperations' | 'clock' | 'crons' | 'memory' | 'secrets' | 'storage' | 'workers' | 'workflows'>;

/** Nodes of a workflow that are read at a time. */
const page = 500;

/**
 * Holds a caller to the rights of its roles. HTTP has asked before it read the body; an embedded engine asks here.
 * @throws ProtocolError `permission_denied`
 */
export function checkRight(grant: Grant | undefined, right: Right | 'open'): void {
  if (grant !== undefined && right !== 'open' && !grants(grant, right)) throw lacksRight(grant, right, 'The caller');
}

interface NodesOf {
  readonly workflow: Pick<NewWorkflow, 'spec'>;
  readonly nodes: readonly Pick<NewNode, 'spec' | 'job'>[];
}

/**
 * Holds a caller to the queues of its token (ojs-security §7.1). `checkPath` runs before every handler; a handler whose
 * body or query names queues or jobs checks those itself.
 */
export class QueueAccess implements Access {
  readonly #engine: Engine;
  readonly #grant: Grant;

  private constructor(engine: Engine, grant: Grant) {
    this.#engine = engine;
    this.#grant = grant;
  }

  /** Null for a caller that may use every queue. */
  static of(engine: Engine, grant: Grant | undefined): QueueAccess | null {
    return grant === undefined || coversEveryQueue(grant) ? null : new QueueAccess(engine, grant);
  }

  /**
   * @throws ProtocolError `permission_denied` if the path names a queue, or what belongs to one, that is not covered.
   */
  async checkPath(operation: OperationName, params: Readonly<Record<string, string>>): Promise<void> {
    const { id = '', name = '' } = params;
    switch (operations[operation].queues) {
      case 'every':
        throw this.#denied('This call is about all queues.');
      case 'path':
        return this.queues([name]);
      case 'job':
        return this.jobs([id]);
      case 'cron':
        return this.cron(name);
      case 'workflow':
        return this.#workflow(id);
      case 'step':
        await this.jobs([id]);
        return this.#workflow(id);
      case 'bulk':
        return this.#bulk(id);
      case 'none':
      case 'sent':
      case 'shown':
        return;
    }
  }

  covers(queue: string): boolean {
    return coversQueue(this.#grant, queue);
  }

  /** @throws ProtocolError `permission_denied` for the first queue that is not covered. */
  queues(names: Iterable<string>): void {
    for (const name of names) if (!this.covers(name)) throw this.#denied(`The call is about the queue ${name}.`);
  }

  /** Checks a thing that the caller names by an id: the refusal must not say where it is. */
  #own(queues: readonly string[]): void {
    if (!queues.every((queue) => this.covers(queue)))
      throw this.#denied('The call is about a job, cron, workflow or bulk operation of another queue.');
  }

  /** For lists and changes by filter: one without queues is about all of them. */
  chosen(names: readonly string[]): void {
    if (names.length === 0) throw this.#denied('Without a queue this call is about all queues; name one.');
    this.queues(names);
  }

  /** Unknown jobs are left to the handler. */
  async jobs(ids: readonly string[]): Promise<void> {
    const wanted = [...new Set(ids)].filter(isUuidv7);
    const size = new PageSize(this.#engine.memory.answer);
    for (let at = 0; at < wanted.length; ) {
      const part = wanted.slice(at, at + size.items);
      const found = (await this.#engine.storage.jobs.get(part)).filter((job) => job !== null);
      this.#own(found.map(({ queue }) => queue));
      at += part.length;
      size.had(found.reduce((sum, job) => sum + sizeOf(job), 0));
    }
  }

  /**
   * Rare, because it reads all leases.
   * @throws ProtocolError `permission_denied` for a worker that holds a job of a queue that is not covered.
   */
  async worker(worker: string): Promise<void> {
    for await (const held of this.#engine.workers.heldBy(worker))
      if (held.some(({ queue }) => !this.covers(queue)))
        throw this.#denied(`The worker ${worker} holds jobs of another queue.`);
  }

  /**
   * For what changes jobs by the worker's name alone: a heartbeat gives back those that it does not list. A worker that
   * began with this token or secret costs no read; for one that began without, see {@link worker}.
   * @throws ProtocolError `conflict` for another secret.
   */
  async worksAs(worker: string, secretDigest: string | null): Promise<void> {
    if (!(await this.#engine.secrets.owns(worker, secretDigest))) await this.worker(worker);
  }

  /** A repeated fetch answers the jobs of the first one, even if another caller sent it or it named other queues. */
  fetched(jobs: readonly JobRecord[]): void {
    if (jobs.some(({ queue }) => !this.covers(queue)))
      throw this.#denied('This request_id belongs to a fetch from other queues; send a new one for each fetch.');
  }

  /** A job's, a queue's, or all that a filter leaves. */
  async channel(channel: Channel, { queues }: Pick<Filter, 'queues'>): Promise<void> {
    if (channel.kind === 'job') await this.jobs([channel.id]);
    else this.chosen(channel.kind === 'queue' ? [channel.queue] : queues);
  }

  async targets(targets: Targets): Promise<void> {
    if ('ids' in targets) await this.jobs(targets.ids);
    else this.chosen(targets.filter.queue === undefined ? [] : [targets.filter.queue]);
  }

  /** The queue of a cron's runs; an unknown cron is left to the handler. */
  async cron(name: string): Promise<void> {
    if (!isCronName(name)) return;
    const cron = await this.#engine.crons.find(name);
    if (cron !== null) this.#own([this.#readable(cronDestination(cron.spec, this.#engine.clock.now())).queue]);
  }

  /**
   * Jobs that the caller sends.
   * @throws ProtocolError `permission_denied` for the first one that would reach beyond the queues of the token.
   */
  sent(jobs: Iterable<ReadEnvelope>): void {
    for (const { job, crossesQueues } of jobs) this.#send({ queue: job.queue, limits: job.limits, crossesQueues });
  }

  /** Checks the job that the template of a cron enqueues. */
  template(enqueue: Json): void {
    this.#send(this.#readable(cronDestination(JSON.stringify({ enqueue }), this.#engine.clock.now())));
  }

  /** The steps of a workflow that the caller sends. */
  steps({ workflow, nodes }: NodesOf): void {
    for (const destination of this.#destinations(workflow, nodes)) this.#send(destination);
  }

  /** An unknown operation is left to the handler. */
  async #bulk(id: string): Promise<void> {
    const operation = await this.#engine.bulkOperations.find(id);
    if (operation === null) return;
    if (operation.queue === null) throw this.#denied('This bulk operation is about all queues.');
    this.#own([operation.queue]);
  }

  async #workflow(id: string): Promise<void> {
    const { workflows } = this.#engine.storage;
    const workflow = await workflows.get(id);
    if (workflow === null) return;
    for (let after = -1; ; ) {
      const part = await workflows.nodes(id, after, page);
      this.#own(this.#destinations(workflow, part).map(({ queue }) => queue));
      const last = part.at(-1);
      if (last === undefined || part.length < page) return;
      after = last.index;
    }
  }

  /** Returns the destinations of the nodes that have jobs. */
  #destinations(workflow: NodesOf['workflow'], nodes: NodesOf['nodes']): readonly Destination[] {
    const now: Millis = this.#engine.clock.now();
    return nodes.flatMap((node) => nodeDestination(workflow, node, now) ?? []);
  }

  #readable(destination: Destination | null): Destination {
    if (destination === null) throw this.#denied('The queue of its jobs cannot be read.');
    return destination;
  }

  #send(destination: Destination): void {
    const why = reachBeyond(this.#grant, destination);
    if (why !== null) throw this.#denied(why);
  }

  #denied(why: string): ProtocolError {
    const queues = this.#grant.queues.join(', ');
    return new ProtocolError('permission_denied', `${why} The token is for ${queues === '' ? 'no queue' : queues}.`);
  }
}
