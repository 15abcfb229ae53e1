import { kindsIn } from '@ojs-ts/core/events';
import { errorFingerprint, State, type WorkflowState } from '@ojs-ts/core/job';
import { isReady } from '@ojs-ts/core/workflow';
import { Newest, type Takers, take, withoutInbox } from '../dump.ts';
import type { Dumped, DumpRecord, StoreOwn } from '../storage.ts';
import { noConfig } from '../storage.ts';
import type { Packed } from './connection/msgpack.ts';
import type { Scripts } from './connection/scripts.ts';
import { packConstant, packRecord } from './job-bytes.ts';
import { recordText } from './records.ts';
import { packNumbers } from './rows.ts';
import { packMinute } from './statistics.ts';
import { packEnd, packNode, readyScore } from './workflow-rows.ts';

type Cell = string | number;

/** Another restore has begun in the namespace and emptied it: what this one wrote is gone. */
export class OtherRestore extends Error {}

/** Writes the records of a dump, a page a script. */
export class Restoration {
  readonly #scripts: Scripts;
  readonly #name: string;
  readonly #id: string;
  #page = emptyPage();
  #flow: {
    readonly id: string;
    readonly number: number;
    readonly state: WorkflowState;
    waiting: number;
    last: number;
  } | null = null;
  readonly #newest = new Newest();

  readonly #takers: Takers = {
    store: () => {},
    queue: ({ capacity, config, ...queue }) => {
      this.#page.queues.push({
        ...queue,
        capacity: capacity ?? undefined,
        config: config === noConfig ? undefined : config,
      });
    },
    limit: ({ key, own, override, usedAt }) => {
      this.#page.limits.push({
        key,
        own: packNumbers(own),
        override: override === null ? undefined : packNumbers(override),
        usedAt,
      });
    },
    starts: ({ key, at }) => this.#command('RPUSH', `starts:${key}`, ...at),
    workflow: (workflow) => this.#workflow(workflow),
    node: (node) => this.#node(node),
    job: (job) => this.#job(job),
    record: (record) => {
      this.#command('HSET', `records:${record.kind}`, record.key, recordText(record));
      this.#command('ZADD', `record_keys:${record.kind}`, 0, record.key);
    },
    minute: (record) => {
      const { name, fields } = packMinute(record);
      this.#command('ZADD', 'minutes', record.minute, name);
      this.#command('HSET', `m:${name}`, ...fieldsOf(fields));
    },
    worker: ({ worker, seenAt, seenBefore, state, directive, info, holds, heldBefore }) => {
      const lists = { holds: holds && JSON.stringify(holds), held: heldBefore && JSON.stringify(heldBefore) };
      this.#command(
        'HSET',
        `w:${worker}`,
        ...fieldsOf({ seen: seenAt, before: seenBefore, state, directive, info, ...lists }),
      );
      this.#command('ZADD', 'workers', seenAt, worker);
    },
    request: ({ key, at, claims }) => {
      this.#page.requests.push({ key, at, claims: claims.flatMap(({ id, claim }) => [id, claim]) });
    },
    events: ({ position, at, count, entries }) => {
      this.#command('ZADD', 'log', position, `${at}:${count}:${position}`);
      this.#command('HSET', 'entries', position, entries);
      for (const kind of kindsIn(entries)) this.#command('ZADD', `log:${kind}`, position, position);
    },
    inbox: withoutInbox,
    completion: withoutInbox,
  };

  /** @param id the mark that `restore_begin` has set. */
  constructor(scripts: Scripts, name: string, id: string) {
    this.#scripts = scripts;
    this.#name = name;
    this.#id = id;
  }

  async add(page: readonly DumpRecord[]): Promise<void> {
    for (const record of page) {
      this.#newest.note(record);
      take(this.#takers, record);
    }
    await this.#write();
  }

  /** Answers what the store keeps for ever from now on. */
  async end(): Promise<StoreOwn> {
    this.#endFlow();
    const { own, job, workflow, place, position, lastStart } = this.#newest;
    this.#command('HSET', 'store', ...fieldsOf({ number: job, place, position, start: lastStart }));
    if (workflow > 0) this.#command('INCRBY', 'flows:number', workflow);
    this.#command('HSET', 'layout', 'seed', own.seed, 'leases', own.leaseKey);
    await this.#write();
    await this.#scripts.exchange('restore_end', { id: this.#id });
    return own;
  }

  /** @param cells what follows the key. Numbers travel as their digits: Lua would write large ones as 1e+15. */
  #command(name: string, key: string, ...cells: readonly Cell[]): void {
    this.#page.commands.push([name, key, cells.map(String)]);
  }

  async #write(): Promise<void> {
    const page = this.#page;
    this.#page = emptyPage();
    const written = await this.#scripts.exchange('restore', { id: this.#id, now: this.#newest.lastStart, ...page });
    if (written !== true) throw new OtherRestore(`${this.#name}: another restore has begun, so this one stops.`);
  }

  #workflow({ number, workflow }: Dumped['workflow']): void {
    this.#endFlow();
    const { id, name, kind, spec, total, state, completed, failed, cancelled, createdAt, finishedAt, end, sweeping } =
      workflow;
    const terms = {
      i: JSON.stringify(id),
      n: JSON.stringify(name),
      k: JSON.stringify(kind),
      sp: spec,
      t: total,
      s: state,
    };
    const counts = {
      c: completed,
      f: failed,
      x: cancelled,
      at: createdAt,
      fin: finishedAt,
      end,
      sw: sweeping ? 1 : null,
    };
    this.#command('HSET', `f:${id}`, ...fieldsOf({ no: number, ...terms, ...counts }));
    this.#command('ZADD', `flows:${state}`, number, id);
    if (sweeping) this.#command('ZADD', 'flows:sweeping', number, id);
    else if (finishedAt !== null)
      this.#command('ZADD', 'flows:over', finishedAt, String(number).padStart(16, '0') + id);
    this.#flow = { id, number, state, waiting: 0, last: -1 };
  }

  #node(node: Dumped['node']): void {
    const flow = this.#flow;
    const { index, workflow, state, open, failed, member, error, spec } = node;
    if (flow?.id !== workflow)
      throw new Error(`The node ${index} of workflow ${workflow} comes before its workflow in the dump.`);
    const fields = {
      [index]: packNode(node) + packEnd(node),
      [`s${index}`]: spec,
      [`o${index}`]: open === 0 ? null : open,
      [`f${index}`]: failed === 0 ? null : failed,
      [`e${index}`]: error,
    };
    this.#command('HSET', `n:${workflow}`, ...fieldsOf(fields));
    if (member && state === 'waiting') flow.waiting += 1;
    flow.last = Math.max(flow.last, index);
    if (!isReady(node) || flow.state !== 'running') return;
    this.#command('ZADD', `nr:${workflow}`, readyScore(node), String(index));
    this.#command('ZADD', 'flows:ready', flow.number, workflow);
  }

  #endFlow(): void {
    if (this.#flow) this.#command('HSET', `f:${this.#flow.id}`, 'w', this.#flow.waiting, 'm', this.#flow.last);
    this.#flow = null;
  }

  #job({ number, place, job }: Dumped['job']): void {
    const { bytes, envelope } = packConstant(job, job);
    const { id, result, history, progress, checkpoint } = job;
    this.#page.jobs.push({
      ...{ id, bytes, record: packRecord(job), envelope, number, place: place ?? undefined },
      ...{
        result: result ?? undefined,
        history: history || undefined,
        progress: progress ?? undefined,
        checkpoint: checkpoint ?? undefined,
        fingerprint: errorFingerprint(job) ?? undefined,
      },
    });
    if (job.state === State.available && place === null)
      throw new Error(`Job ${job.id} is available and has no place.`);
  }
}

function emptyPage(): Record<'queues' | 'limits' | 'commands' | 'requests' | 'jobs', Packed[]> {
  return { queues: [], limits: [], commands: [], requests: [], jobs: [] };
}

/** Names and values of what is not null. */
function fieldsOf(cells: { readonly [name: string]: Cell | null }): readonly Cell[] {
  return Object.entries(cells).flatMap(([name, value]) => (value === null ? [] : [name, value]));
}
