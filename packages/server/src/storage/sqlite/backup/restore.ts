import { kindsIn } from '@ojs-ts/core/events';
import { errorFingerprint, type WorkflowState } from '@ojs-ts/core/job';
import { numbersText } from '@ojs-ts/core/lifecycle';
import { isReady } from '@ojs-ts/core/workflow';
import { type Takers, take } from '../../dump.ts';
import { histogramText, minuteRow } from '../../rows.ts';
import type { Dumped, DumpRecord } from '../../storage.ts';
import { ClaimedJobCache } from '../claim/claimed-job-cache.ts';
import { writeCron } from '../crons.ts';
import type { Connection } from '../disk/connection.ts';
import { rareOf } from '../event-log.ts';
import { dueAt } from '../move.ts';
import { putRecord } from '../records.ts';
import { boundsText, integer, limitsText, tiesText } from '../row.ts';
import { padding, statements } from '../statements.ts';
import { Transaction } from '../transaction.ts';

/** Every store that was ever used has a row in one of these tables. */
const telling = ['queues', 'jobs', 'limits', 'workflows', 'crons', 'records', 'events', 'inbox'];

export function isEmpty(sql: Connection): boolean {
  const used = telling.map((table) => `exists (SELECT 1 FROM ojs_${table})`);
  return integer(sql.get(`SELECT ${used.join(' OR ')} OR position > 0 FROM ojs_store`)?.[0]) === 0;
}

/**
 * Writes the records of a dump within one transaction of `sql`, and counts what follows from the rows: counters, limit
 * groups, ready nodes.
 */
export class Restoration {
  readonly #sql: Connection;
  readonly #tx: Transaction;
  #place = 0;
  #position = 0;
  #lastStart = 0;
  #seed = 0;
  #leaseKey = '';
  /** The number of the last node. */
  #lastNode = 0;
  #flow: { readonly number: number; readonly firstNode: number; readonly state: WorkflowState; ready: number } | null =
    null;

  readonly #takers: Takers = {
    store: ({ seed, leaseKey, position, lastStart }) => {
      this.#seed = seed;
      this.#leaseKey = leaseKey;
      this.#position = position;
      this.#lastStart = lastStart;
    },
    queue: (queue) => this.#queue(queue),
    limit: (limit) => this.#limit(limit),
    starts: (starts) => this.#starts(starts),
    workflow: (workflow) => this.#workflow(workflow),
    node: (node) => this.#node(node),
    job: (job) => this.#job(job),
    cron: (cron) => writeCron(this.#sql, cron),
    record: (record) => putRecord(this.#sql, record),
    minute: (record) => this.#row('minutes', { ...minuteRow(record), histogram: histogramText(record.histogram) }),
    worker: (worker) => this.#worker(worker),
    request: ({ key, at, claims }) =>
      this.#sql.change(statements.remember, key, at, JSON.stringify(claims.map(({ id, claim }) => [id, claim]))),
    events: ({ position, at, count, entries }) => {
      this.#position = Math.max(this.#position, position + count - 1);
      this.#sql.change(statements.log, position, at, count, entries, rareOf(kindsIn(entries)));
    },
    inbox: (entry) => this.#row('inbox', { ...entry }),
    completion: (completion) => this.#row('inbox_completions', { ...completion }),
  };

  constructor(sql: Connection) {
    this.#sql = sql;
    this.#tx = new Transaction(sql, false, new ClaimedJobCache(sql));
  }

  add(page: readonly DumpRecord[]): void {
    for (const record of page) take(this.#takers, record);
    this.#flush();
  }

  end(): void {
    this.#endFlow();
    this.#flush();
    this.#sql.change(
      `UPDATE ojs_store SET seed = ?, lease_key = ?, place = max(place, ?), position = max(position, ?),
         last_start = max(last_start, ?)`,
      this.#seed,
      this.#leaseKey,
      this.#place,
      this.#position,
      this.#lastStart,
    );
  }

  #flush(): void {
    this.#tx.updateLimitGroups(this.#lastStart);
    this.#tx.flush();
  }

  #row(table: string, cells: Readonly<Record<string, string | number | null>>): void {
    const columns = Object.keys(cells);
    const values = columns.map(() => '?');
    this.#sql.change(
      `INSERT INTO ojs_${table} (${columns.join(', ')}) VALUES (${values.join(', ')})`,
      ...Object.values(cells),
    );
  }

  #queue({ name, createdAt, paused, capacity, config, version }: Dumped['queue']): void {
    const readyQueue = this.#tx.sequences.readyQueue();
    this.#row('queues', {
      name,
      created_at: createdAt,
      ready_queue: readyQueue,
      paused: paused ? 1 : 0,
      capacity,
      config,
      version,
    });
  }

  #limit({ key, own, override, usedAt }: Dumped['limit']): void {
    const texts = [numbersText(own), override === null ? null : numbersText(override)] as const;
    this.#sql.change(statements.writeLimit, key, ...texts, 0, 0, 0, 0, 0, usedAt);
  }

  #starts({ key, at }: Dumped['starts']): void {
    let started = integer(this.#sql.get('SELECT started FROM ojs_limits WHERE key = ?', key)?.[0]);
    for (const time of at) this.#sql.change(statements.start, key, ++started, time);
    this.#sql.change('UPDATE ojs_limits SET started = ?, last_start = ? WHERE key = ?', started, at.at(-1) ?? 0, key);
  }

  #workflow({ number, workflow }: Dumped['workflow']): void {
    this.#endFlow();
    const { id, name, kind, spec, total, state, completed, failed, cancelled, createdAt, finishedAt, end, sweeping } =
      workflow;
    const firstNode = this.#lastNode + 1;
    this.#row('workflows', {
      ...{ number, id, first_node: firstNode, last_node: this.#lastNode, state, total, completed, failed, cancelled },
      ...{
        ready: 0,
        sweeping: sweeping ? 1 : 0,
        created_at: createdAt,
        finished_at: finishedAt,
        name,
        kind,
        '"end"': end,
        spec,
      },
    });
    this.#flow = { number, firstNode, state, ready: 0 };
  }

  #node(node: Dumped['node']): void {
    const flow = this.#flow;
    if (!flow)
      throw new Error(`The node ${node.index} of workflow ${node.workflow} comes before its workflow in the dump.`);
    const { state, open, failed, member, closedAt, name, job, next, result, error, spec } = node;
    const number = flow.firstNode + node.index;
    this.#row('nodes', {
      ...{
        number,
        state,
        open,
        failed,
        member: member ? 1 : 0,
        closed_at: closedAt,
        name,
        job,
        next: JSON.stringify(next),
        result,
        error,
      },
    });
    this.#sql.change(statements.makeNodeSpec, number, spec);
    this.#lastNode = Math.max(this.#lastNode, number);
    if (isReady(node)) flow.ready += 1;
  }

  #endFlow(): void {
    const flow = this.#flow;
    if (!flow) return;
    this.#sql.change(
      'UPDATE ojs_workflows SET last_node = ?, ready = ? WHERE number = ?',
      this.#lastNode,
      flow.ready,
      flow.number,
    );
    this.#tx.graph.count(flow.state, 1);
    this.#flow = null;
  }

  #job({ number, place, job }: Dumped['job']): void {
    const limits = limitsText(job.limits);
    const counted = { queue: job.queue, limits };
    const waits = place !== null;
    if (waits) this.#place = Math.max(this.#place, place);
    const fresh = job.claim === 0 && job.finishedAt === null;
    this.#row('jobs', {
      ...{ number, state: job.state, claim: job.claim, lease_required: job.leaseRequired ? 1 : 0 },
      ...{ attempt: job.attempt, priority: job.priority },
      ...{
        ready_queue: waits ? this.#tx.readyQueue(counted) : null,
        place,
        due_at: dueAt(job),
        run_at: job.runAt,
        enqueued_at: job.enqueuedAt,
      },
      ...{
        started_at: job.startedAt,
        beat_at: job.beatAt,
        finished_at: job.finishedAt,
        dead_letter: job.deadLetter ? 1 : 0,
      },
      ...{
        lease_ms: job.leaseMs,
        lease_until: job.leaseUntil,
        timeout_ms: job.timeoutMs,
        bounds: boundsText(job),
        expires_at: job.expiresAt,
      },
      ...{
        created_at: job.createdAt,
        id: job.id,
        queue: job.queue,
        type: job.type,
        worker: job.worker,
        trace: job.trace,
      },
      ...{ ties: tiesText(limits, job.node), unique_key: job.uniqueKey, result: job.result, progress: job.progress },
      ...{
        checkpoint: job.checkpoint,
        history: job.history,
        policy: job.policy,
        padding: fresh ? padding : null,
        envelope: job.envelope,
        cron: job.cron,
      },
    });
    const fingerprint = errorFingerprint(job);
    if (fingerprint !== null) this.#sql.change(statements.setFingerprint, fingerprint, number);
    if (limits !== null) this.#tx.limits.jobRestored(this.#tx.limitGroups.keysOf(limits).keys);
    this.#tx.segments.restored(number, job.queue, job.type);
    this.#tx.entered(counted, job.state, 0);
    if (job.deadLetter) this.#tx.counters.addDeadLetter(job.queue, 1, 0);
  }

  #worker({ worker, seenAt, seenBefore, state, directive, info, holds, heldBefore }: Dumped['worker']): void {
    const lists = { holds: holds && JSON.stringify(holds), held_before: heldBefore && JSON.stringify(heldBefore) };
    this.#row('workers', { worker, seen_at: seenAt, seen_before: seenBefore, state, directive, info, ...lists });
  }
}
