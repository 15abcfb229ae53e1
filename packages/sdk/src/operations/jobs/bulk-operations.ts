import { type NamesOf, uuidv7 } from '@ojs-ts/core';
import type { Ask, Operation } from '../../connection/operation.ts';
import { OJSAnswerError, OJSValidationError } from '../../errors.ts';
import { type CallOptions, callNames } from '../../job/options.ts';
import { booleanOf, compact, dateOf, eachOf, numberOf, oneOf, textOf, textsOf, type Wire, wireOf } from '../../json.ts';
import { checkNames } from '../../options/check-names.ts';
import { type BulkFilter, bulkNames, wireBulkFilter } from '../filter.ts';
import { type PageOf, type PageQuery, readPage } from '../page.ts';
import { numbersOf } from '../queues.ts';
import { type BulkChanges, bulkChangeNames, wireChanges } from './changes.ts';

const actions = [
  'cancel',
  'delete',
  'discard',
  'edit',
  'priority',
  'promote',
  'purge',
  'redrive',
  'rerun',
  'reschedule',
  'retry',
] as const;

/**
 * The action of a bulk operation. By a filter it changes jobs that wait (`cancel`, `discard`, `edit`, `priority`), that
 * have ended (`delete`; `rerun` makes a new job of each), that wait for a time (`promote`; `reschedule`, also pending
 * ones), that failed (`retry`), or that are in the dead letter (`redrive` retries and `purge` deletes them).
 */
export type BulkAction = (typeof actions)[number];

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
  action: true,
  query: true,
  rate: true,
  filter: bulkNames,
  changes: bulkChangeNames,
};

/** How many jobs match a request. */
export interface BulkCount {
  readonly matched: number;
  /** The server stopped counting after two seconds, so there may be more. */
  readonly isLowerBound: boolean;
  /** The ids of some of them. */
  readonly sample: readonly string[];
}

/** The state of a bulk operation. */
export interface BulkOperation {
  readonly id: string;
  readonly action: BulkAction | 'undo';
  readonly state: 'running' | 'stopped' | 'done' | 'failed';
  /** The operation that this one takes back. */
  readonly undoes?: string;
  readonly query?: string;
  /** As the server has them, by the names of an enqueue request. */
  readonly changes?: Readonly<Record<string, unknown>>;
  readonly queue?: string;
  readonly rate?: number;
  /** Jobs that matched when the operation started; later ones are not touched. */
  readonly matched: number;
  readonly isLowerBound: boolean;
  /** Jobs that were looked at, and those of them that were changed. */
  readonly done: number;
  readonly changed: number;
  /** The others, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  /** An estimate, in milliseconds. */
  readonly timeLeftMs?: number;
  /** Who started it. */
  readonly createdBy: string;
  readonly startedAt: Date;
  readonly finishedAt?: Date;
  /**
   * `possible` is true if the operation can be undone now; otherwise `reason` says why not, or `by` names the operation
   * that undid it.
   */
  readonly undo: { readonly possible: boolean; readonly reason?: string; readonly by?: string };
  /** Why the operation failed, or why the server stopped it. */
  readonly error?: string;
}

/** How to wait for the end of a bulk operation. */
export interface BulkWaitOptions extends CallOptions {
  /** Called with each new state of the operation, about twice a second. */
  onProgress?: ((operation: BulkOperation) => void) | undefined;
}

export const bulkWaitNames: NamesOf<BulkWaitOptions> = { ...callNames, onProgress: true };

const action = oneOf(...actions, 'undo');
const state = oneOf('running', 'stopped', 'done', 'failed');

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

export function* countBulk(request: BulkRequest): Operation<BulkCount> {
  const body = yield {
    call: { operation: 'bulk.start', body: JSON.stringify({ ...wireRequest(request), dry_run: true }) },
  };
  return {
    matched: numberOf(body.matched) ?? 0,
    isLowerBound: booleanOf(body.matched_is_lower_bound) ?? false,
    sample: textsOf(body.sample) ?? [],
  };
}

export function* startBulk(request: BulkRequest): Operation<BulkOperation> {
  const body = JSON.stringify({ ...wireRequest(request), confirm: true });
  return readOperation(yield { call: { operation: 'bulk.start', body, idempotencyKey: uuidv7() } });
}

/** Reads, stops, resumes or undoes one. */
export function* oneBulk(
  operation: 'bulk.get' | 'bulk.stop' | 'bulk.resume' | 'bulk.undo',
  id: string,
): Operation<BulkOperation> {
  const key = operation === 'bulk.get' ? {} : { idempotencyKey: uuidv7() };
  const ask: Ask = { call: { operation, params: { id }, ...key } };
  return readOperation(yield ask);
}

export function* listBulk(query: PageQuery): Operation<PageOf<BulkOperation>> {
  const body = yield { call: { operation: 'bulk.list', query: { ...query } } };
  return readPage(
    body,
    query,
    eachOf(body.items, (item) => readOperation(wireOf(item) ?? {})),
  );
}

function readOperation(raw: Wire): BulkOperation {
  const [id, kind, current, startedAt] = [textOf(raw.id), action(raw.action), state(raw.state), dateOf(raw.started_at)];
  if (id === undefined || kind === undefined || current === undefined || startedAt === undefined)
    throw new OJSAnswerError('The answer is no bulk operation: expected id, action, state and started_at.', {});
  const undo = wireOf(raw.undo) ?? {};
  return compact({
    id,
    action: kind,
    state: current,
    undoes: textOf(raw.undoes),
    query: textOf(raw.query),
    changes: wireOf(raw.changes),
    queue: textOf(raw.queue),
    rate: numberOf(raw.rate),
    matched: numberOf(raw.matched) ?? 0,
    isLowerBound: booleanOf(raw.matched_is_lower_bound) ?? false,
    done: numberOf(raw.done) ?? 0,
    changed: numberOf(raw.changed) ?? 0,
    skipped: numbersOf(raw.skipped),
    timeLeftMs: numberOf(raw.time_left_ms),
    createdBy: textOf(raw.created_by) ?? '',
    startedAt,
    finishedAt: dateOf(raw.finished_at),
    undo: compact({
      possible: booleanOf(undo.possible) ?? false,
      reason: textOf(undo.reason),
      by: textOf(undo.by),
    }),
    error: textOf(raw.error),
  });
}
