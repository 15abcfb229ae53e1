import type { Transport } from '@ojs-ts/core';
import { Connection, type ConnectionOptions, connectionNames } from '../connection/connection.ts';
import { readTarget, type UrlOption } from '../connection/target.ts';
import type { CallOptions } from '../job/options.ts';
import { auditRows } from '../operations/audit.ts';
import { doctorRows } from '../operations/doctor.ts';
import { manyRows } from '../operations/jobs/bulk.ts';
import { type BulkCalls, type BulkHandle, bulkHandle } from '../operations/jobs/bulk-handle.ts';
import { type BulkRequest, bulkRows, startBulk, undoBulk } from '../operations/jobs/bulk-operations.ts';
import { changeRows } from '../operations/jobs/changes.ts';
import { checkpointRows } from '../operations/jobs/checkpoint.ts';
import { adminDeadLetterRows, deadLetterRows } from '../operations/jobs/dead-letter.ts';
import { errorRows } from '../operations/jobs/errors.ts';
import { explainRows } from '../operations/jobs/explain.ts';
import { groupRows } from '../operations/jobs/groups.ts';
import { historyRows } from '../operations/jobs/history.ts';
import { adminJobRows, jobRows } from '../operations/jobs/jobs.ts';
import { stepRows } from '../operations/jobs/steps.ts';
import { limitRows } from '../operations/limits.ts';
import { maintenanceRows } from '../operations/maintenance.ts';
import { queueConfigRows } from '../operations/queue-config.ts';
import { adminQueueRows, queueRows } from '../operations/queues.ts';
import type { Methods } from '../operations/row.ts';
import { statisticsRows } from '../operations/statistics.ts';
import { tokenRows } from '../operations/tokens.ts';
import { workerRows } from '../operations/workers.ts';
import { graphRows } from '../workflow/graph.ts';
import { addMethods } from './methods.ts';

/** The type names the tables, so that their docstrings reach editors. */
type AdminRows = typeof queueRows &
  typeof adminQueueRows &
  typeof queueConfigRows &
  typeof limitRows &
  typeof jobRows &
  typeof adminJobRows &
  typeof changeRows &
  typeof explainRows &
  typeof historyRows &
  typeof stepRows &
  typeof groupRows &
  typeof errorRows &
  typeof manyRows &
  typeof bulkRows &
  typeof deadLetterRows &
  typeof adminDeadLetterRows &
  typeof checkpointRows &
  typeof graphRows &
  typeof workerRows &
  typeof statisticsRows &
  typeof maintenanceRows &
  typeof doctorRows &
  typeof auditRows &
  typeof tokenRows;
export const adminRows: AdminRows = {
  ...{ ...queueRows, ...adminQueueRows, ...queueConfigRows, ...limitRows },
  ...{ ...jobRows, ...adminJobRows, ...changeRows, ...explainRows, ...historyRows, ...groupRows },
  ...{ ...errorRows, ...stepRows },
  ...{ ...manyRows, ...bulkRows, ...deadLetterRows, ...adminDeadLetterRows, ...checkpointRows, ...graphRows },
  ...{ ...workerRows, ...statisticsRows, ...maintenanceRows, ...doctorRows, ...auditRows, ...tokenRows },
};

/** The methods that the rows describe. */
export interface Admin extends Methods<AdminRows> {}
/**
 * Manages queues, jobs, dead letters, limits and workers (ojs-sdk-guidelines §5.3). Its token needs the role
 * `admin`, or `operator` and `viewer` for a part of it.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the class gets exactly these methods.
export class Admin implements AsyncDisposable {
  static {
    addMethods(Admin.prototype, adminRows, (admin) => admin.#connection);
  }

  readonly #connection: Connection;
  readonly #bulk: BulkCalls;

  /**
   * @param target as for {@link Client}.
   * @throws {OJSValidationError} for an unknown option, and for a wrong target, option or environment variable.
   */
  constructor(target?: string | Transport, options?: ConnectionOptions);
  /** The same as one object: `new Admin({ url: 'https://jobs.example.com', token })`. */
  constructor(options: UrlOption & ConnectionOptions);
  constructor(first?: string | Transport | (UrlOption & ConnectionOptions), second?: ConnectionOptions) {
    const { target, options } = readTarget<ConnectionOptions>(first, second, connectionNames, 'Admin');
    this.#connection = new Connection(target, options);
    this.#bulk = {
      read: (id, call) => this.getBulk(id, call),
      stop: (id, call) => this.stopBulk(id, call),
      resume: (id, call) => this.resumeBulk(id, call),
      undo: (id, call) => this.undoBulk(id, call),
      closing: this.#connection.closing,
    };
  }

  /**
   * Starts a change of all jobs that match, however many. The server makes it in steps and continues without this
   * process, also after a restart. Jobs that come or fail later are not touched. The server stops the operation within
   * 5 s after the end of the token that started it.
   * @throws {OJSValidationError} before anything is sent; {OJSAPIError} `invalid_request` for changes that the action
   * does not take, or lacks.
   */
  async startBulk(request: BulkRequest, options: CallOptions = {}): Promise<BulkHandle> {
    return bulkHandle(await this.#connection.ask(startBulk(request), options), this.#bulk);
  }

  /**
   * Takes back what a bulk operation did. Cancelled and discarded jobs run again as new jobs, linked by the member
   * `ojs.rerun_of` of their meta. Retried jobs, and the new jobs of a rerun, are cancelled if they still wait.
   * `skipped` says why others stay.
   * @throws {OJSAPIError} `conflict` while the operation runs, and for one that cannot be undone.
   */
  async undoBulk(bulkId: string, options: CallOptions = {}): Promise<BulkHandle> {
    return bulkHandle(await this.#connection.ask(undoBulk(bulkId), options), this.#bulk);
  }

  /**
   * Waits for calls in flight, then closes the connections. A transport that was given to the constructor stays open.
   */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
