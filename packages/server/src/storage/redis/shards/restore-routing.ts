import { cronKind, dueKind, nameOfDue } from '@ojs-ts/core/cron';
import { hasSteps, jobOfSteps } from '@ojs-ts/core/durable';
import { defaultQueue, type JobId, type JobRecord, nodeDestination, queueLimitKey } from '@ojs-ts/core/job';
import { type Takers, take, withoutInbox } from '../../dump.ts';
import type { Dumped, DumpRecord, StoredRecord } from '../../storage.ts';
import type { QueueMap } from '../connection/queue-map.ts';
import { oneShard } from './cross-shard.ts';
import { placeOfCron } from './records.ts';

const queuePrefix = queueLimitKey('');

/** Decides to which shard each record of a dump goes. */
export class RestoreRouting {
  readonly #map: QueueMap;
  readonly #now: number;
  readonly #out: { readonly place: number; readonly record: DumpRecord }[] = [];
  /** Limits go to the shard of the first job that names them: the records that wait for it, or its place. */
  readonly #limits = new Map<string, DumpRecord[] | number>();
  /** The places of crons by name. */
  readonly #crons = new Map<string, number>();
  /** The places of jobs with steps by id. */
  readonly #steps = new Map<JobId, number>();
  /** Next firings of crons that have not come yet. */
  readonly #due: StoredRecord[] = [];
  /** The workflow whose nodes follow. */
  #flow: { readonly record: Dumped['workflow']; readonly nodes: Dumped['node'][] } | null = null;

  constructor(map: QueueMap, now: number) {
    this.#map = map;
    this.#now = now;
  }

  /**
   * The records that have a place now: this one, or earlier ones.
   * @throws ProtocolError `unsupported` if this map puts a workflow into two namespaces.
   */
  take(record: DumpRecord): readonly { readonly place: number; readonly record: DumpRecord }[] {
    if (record.kind !== 'node') this.#placeFlow();
    take(this.#takers, record);
    return this.#out.splice(0);
  }

  /** The records that still wait: limits that no job names go where an operator's override of a new key goes. */
  end(): readonly { readonly place: number; readonly record: DumpRecord }[] {
    this.#placeFlow();
    for (const record of this.#due.splice(0)) this.#takeRecord(record);
    for (const [key, waiting] of this.#limits) if (typeof waiting !== 'number') this.#placeLimit(key, this.#map.rest);
    return this.#out.splice(0);
  }

  readonly #takers: Takers = {
    store: (record) => {
      for (const place of this.#map.namespaces.keys())
        this.#give(place, { kind: 'store', record: place === 0 ? record : { ...record, position: 0 } });
    },
    queue: (record) => this.#give(this.#map.indexOf(record.name), { kind: 'queue', record }),
    limit: (record) => this.#takeLimit(record.key, { kind: 'limit', record }),
    starts: (record) => this.#takeLimit(record.key, { kind: 'starts', record }),
    workflow: (record) => {
      this.#flow = { record, nodes: [] };
    },
    node: (record) => {
      this.#flow?.nodes.push(record);
    },
    job: (record) => {
      const place = this.#map.indexOf(record.job.queue);
      for (const key of record.job.limits) this.#placeLimit(key, place, record.job);
      if (hasSteps(record.job)) this.#steps.set(record.job.id, place);
      this.#give(place, { kind: 'job', record });
    },
    record: (record) => this.#takeRecord(record),
    minute: (record) => this.#give(this.#map.indexOf(record.queue), { kind: 'minute', record }),
    worker: (record) => this.#give(0, { kind: 'worker', record }),
    // The queues of a request are not owner: every shard gets it, and the one with the jobs answers a repetition.
    request: (record) => {
      for (const place of this.#map.namespaces.keys()) this.#give(place, { kind: 'request', record });
    },
    events: (record) => this.#give(0, { kind: 'events', record }),
    inbox: withoutInbox,
    completion: withoutInbox,
  };

  #give(place: number, record: DumpRecord): void {
    this.#out.push({ place, record });
  }

  /** A cron is in the shard of its queue, with its next firing; rows of steps are in the shard of their job. */
  #takeRecord(record: StoredRecord): void {
    const { kind, key } = record;
    const name = kind === cronKind ? key : kind === dueKind ? nameOfDue(key) : null;
    if (kind === cronKind) this.#crons.set(key, placeOfCron(this.#map, record, this.#now));
    const job = jobOfSteps(record);
    const place = name === null ? (this.#steps.get(job ?? '') ?? 0) : this.#crons.get(name);
    if (place === undefined) this.#due.push(record);
    else this.#give(place, { kind: 'record', record });
  }

  #takeLimit(key: string, record: DumpRecord): void {
    if (key.startsWith(queuePrefix)) {
      this.#give(this.#map.indexOf(key.slice(queuePrefix.length)), record);
      return;
    }
    const waiting = this.#limits.get(key);
    if (Array.isArray(waiting)) waiting.push(record);
    else this.#limits.set(key, [record]);
  }

  #placeLimit(key: string, place: number, job?: JobRecord): void {
    const owner = this.#limits.get(key);
    if (owner === undefined || owner === place) return;
    if (typeof owner === 'number') {
      const { namespaces } = this.#map;
      throw new Error(
        `By this map the limit ${key} is in namespace ${namespaces[owner]}, ` +
          `and job ${job?.id} under it in namespace ${namespaces[place]}.`,
      );
    }
    this.#limits.set(key, place);
    for (const record of owner) this.#give(place, record);
  }

  #placeFlow(): void {
    if (this.#flow === null) return;
    const { record, nodes } = this.#flow;
    this.#flow = null;
    const queues = nodes
      .map((node) => nodeDestination(record.workflow, node, this.#now)?.queue)
      .filter((queue) => queue !== undefined);
    const place = oneShard(
      this.#map,
      queues.length === 0 ? [defaultQueue] : queues,
      `The queues of all steps of workflow ${record.workflow.id} must be`,
    );
    this.#give(place, { kind: 'workflow', record });
    for (const node of nodes) this.#give(place, { kind: 'node', record: node });
  }
}
