import type { NamesOf } from '@ojs-ts/core';
import type * as answers from '@ojs-ts/core/schemas';
import { OJSValidationError } from '../../errors.ts';
import { type CallOptions, callNames } from '../../job/options.ts';
import { booleanOf, compact, numberOf, textsOf } from '../../json.ts';
import { checkNames } from '../../options/check-names.ts';
import { type Camel, camel } from '../answer.ts';
import { type BulkFilter, bulkNames, wireBulkFilter } from '../filter.ts';
import type { PageQuery } from '../page.ts';
import { change, list, read } from '../row.ts';
import { type BulkChanges, bulkChangeNames, wireChanges } from './changes.ts';

/**
 * The action of a bulk operation. By a filter it changes jobs that wait (`cancel`, `discard`, `edit`, `priority`), that
 * have ended (`delete`; `rerun` makes a new job of each), that wait for a time (`promote`; `reschedule`, also pending
 * ones), that failed (`retry`), or that are in the dead letter (`redrive` retries and `purge` deletes them).
 */
export type BulkAction = Exclude<answers.BulkOperation['action'], 'undo'>;

/** A change of all jobs that match, which the server makes in steps. */
export interface BulkRequest {
  action: BulkAction;
  /** A query, such as `error~timeout age<2h`. Default: no condition beside the filter. */
  query?: string | undefined;
  /** Default: no condition beside the query. */
  filter?: BulkFilter | undefined;
  /**
   * The changes of `edit`; `priority` takes the priority, from -100 to 100; `reschedule` takes the time. A relative
   * time counts from the start of the operation. A rerun may change its new jobs, also their queue. Default: no
   * changes, which only a rerun and the actions without changes may have.
   */
  changes?: BulkChanges | undefined;
  /** Jobs a second at most. Default: as fast as the server can. */
  rate?: number | undefined;
}

const requestNames: NamesOf<BulkRequest> = {
  ...{ action: true, query: true, rate: true, filter: bulkNames, changes: bulkChangeNames },
};

/** How many jobs match a request. */
export interface BulkCount {
  readonly matched: number;
  /** The server stopped counting after two seconds, so there may be more. */
  readonly isLowerBound: boolean;
  /** The ids of some of them. */
  readonly sample: readonly string[];
}

/**
 * The state of a bulk operation. `matched` counts the jobs that matched at its start, because later ones are not
 * touched; `done` the jobs that were looked at, `changed` those of them that were changed, and `skipped` the others, by
 * reason. `changes` has the names of an enqueue request. `undoes` is the operation that this one takes back.
 */
export interface BulkOperation extends Omit<Camel<answers.BulkOperation>, 'matchedIsLowerBound' | 'filter'> {
  readonly isLowerBound: boolean;
}

/** How to wait for the end of a bulk operation. */
export interface BulkWaitOptions extends CallOptions {
  /** Called with each new state of the operation, about twice a second. */
  onProgress?: ((operation: BulkOperation) => void) | undefined;
}

export const bulkWaitNames: NamesOf<BulkWaitOptions> = { ...callNames, onProgress: true };

/** @throws {OJSValidationError} also for a request that names no jobs. */
function wireRequest(request: BulkRequest): object {
  checkNames(request, requestNames, 'request');
  const { query, rate, changes } = request;
  if (query === undefined && request.filter === undefined)
    throw OJSValidationError.of('query', 'expected a query or a filter, which says which jobs; {} matches all of them');
  const filter = request.filter === undefined ? undefined : wireBulkFilter(request.filter);
  if (request.action === 'redrive' || request.action === 'purge') {
    // The server reads these times as those of the end.
    for (const name of ['createdAfter', 'createdBefore'] as const)
      if (request.filter?.[name] !== undefined)
        throw OJSValidationError.of(
          `filter.${name}`,
          'expected no such field: say created>… or finished>… in the query',
        );
  }
  const sent = changes === undefined ? undefined : wireChanges(changes);
  return compact({ action: request.action, query, filter, changes: sent, rate });
}

export const bulkRows = {
  /**
   * Counts the jobs that {@link startBulk} would change, and changes none. The server of this project has bulk
   * operations on record, others answer `not_found`.
   */
  countBulk: (request: BulkRequest) => {
    const body = JSON.stringify({ ...wireRequest(request), dry_run: true });
    return read({ operation: 'bulk.start', body }, ({ matched, matched_is_lower_bound, sample }): BulkCount => {
      const isLowerBound = booleanOf(matched_is_lower_bound) ?? false;
      return { matched: numberOf(matched) ?? 0, isLowerBound, sample: textsOf(sample) ?? [] };
    });
  },
  /** Reads the state of a bulk operation. @throws {JobNotFoundError} for an unknown one, and a week after its end. */
  getBulk: (bulkId: string) => read({ operation: 'bulk.get', params: { id: bulkId } }, readOperation),
  /** The bulk operations on record, newest first. */
  listBulk: () => (query: PageQuery) => list('bulk.list', query, ['items'], readOperation),
  /** Stops a bulk operation after the step that runs. @throws {OJSAPIError} `conflict` if it has ended. */
  stopBulk: (bulkId: string) => change({ operation: 'bulk.stop', params: { id: bulkId } }, readOperation),
  /** Continues a stopped bulk operation. @throws {OJSAPIError} `conflict` if it has ended or was undone. */
  resumeBulk: (bulkId: string) => change({ operation: 'bulk.resume', params: { id: bulkId } }, readOperation),
};

export function startBulk(request: BulkRequest) {
  const body = JSON.stringify({ ...wireRequest(request), confirm: true });
  return change({ operation: 'bulk.start', body }, readOperation);
}

export function undoBulk(id: string) {
  return change({ operation: 'bulk.undo', params: { id } }, readOperation);
}

function readOperation(raw: unknown): BulkOperation {
  const {
    matchedIsLowerBound,
    filter: _,
    ...operation
  } = camel<answers.BulkOperation>(raw, ...(['id', 'action', 'state', 'started_at'] as const));
  return { ...operation, isLowerBound: matchedIsLowerBound };
}
