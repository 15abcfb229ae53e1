import type { Clock } from '@ojs-ts/core';
import { Bulk } from '@ojs-ts/core/bulk';
import { Crons } from '@ojs-ts/core/cron';
import { DeadLetter, Reports, type Request } from '@ojs-ts/core/handlers';
import { type JobId, type JobRecord, Leases, newKey } from '@ojs-ts/core/job';
import { type Answered, Lifecycle, missingJob, run } from '@ojs-ts/core/lifecycle';
import type { OperationName } from '@ojs-ts/core/operations';
import type { PlainReply } from '@ojs-ts/core/requests';
import { withParentResults } from '@ojs-ts/core/workflow';
import { MemorySchemas } from './schemas.ts';
import type { MemorySteps } from './step-store.ts';
import { Table } from './table.ts';
import { MemoryWorkflows } from './workflows.ts';

export type Answers = Readonly<Partial<Record<OperationName, (host: Host, request: Request) => Answered<PlainReply>>>>;

let seeds = 0;

/** Has what the handlers need, as the engine of a server does. */
export class Host {
  readonly clock: Clock;
  readonly storage: Table;
  readonly jobs: Pick<Table, 'get'>;
  readonly parents = {
    of: (job: JobRecord) =>
      run(
        withParentResults(job, (workflow, indexes) =>
          this.storage.workflows.node(indexes.map((index) => ({ workflow, index }))),
        ),
      ),
  };
  readonly lifecycle: Lifecycle;
  readonly bulk: Bulk;
  readonly leases = new Leases(newKey());
  readonly reports: Reports;
  readonly crons: Crons;
  readonly schemas: MemorySchemas;
  readonly workflows: MemoryWorkflows;
  readonly steps: MemorySteps;
  readonly deadLetter: DeadLetter;
  /** That of a server by default; here everything is kept. */
  readonly settings = { retention: { deadLetterMs: 180 * 86_400_000, keepDeadLetters: 10_000 } };
  readonly removals = { counts: () => ({ dead_letter: 0 }) };
  readonly queueBound = { admit() {} };
  /** Each store has its own, so that the events of one are never mistaken for those of another. */
  readonly seed = ++seeds & 0xffff;
  readonly startedAt: number;

  constructor(clock: Clock) {
    const table = new Table(clock);
    this.clock = clock;
    this.startedAt = clock.now();
    this.storage = table;
    this.jobs = table;
    this.lifecycle = new Lifecycle(table, clock);
    // Only a defect fails here.
    this.bulk = new Bulk(table, clock, this.lifecycle, (error) => {
      throw error;
    });
    this.reports = new Reports(table, clock);
    this.crons = new Crons(table, clock, { warn() {}, error() {} });
    this.schemas = new MemorySchemas(table);
    this.workflows = new MemoryWorkflows(table);
    this.steps = table.steps;
    this.deadLetter = new DeadLetter({ store: table, queues: table.registry, clock, freshMs: 0 });
  }

  /** @throws ProtocolError `not_found` */
  known(id: JobId): JobRecord {
    const job = this.storage.get(id);
    if (job === null) throw missingJob(id);
    return job;
  }
}
