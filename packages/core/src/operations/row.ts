import type { Right } from '../access/roles.ts';

/** Method, and path with `:name` placeholders. */
export type RouteRow = `${'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'} /${string}`;

/**
 * How a token for some queues is held to them.
 * - `none`: the call is about no queue.
 * - `every`: the call is about all queues, so only a token for all queues may make it.
 * - `path`, `job`, `cron`, `workflow`: the path names the queue, or what belongs to one.
 * - `step`: the path names a job or a workflow.
 * - `bulk`: the path names a bulk operation.
 * - `sent`: the body or the query names queues or jobs; the handler checks each of them.
 * - `shown`: the answer leaves out other queues.
 */
export type QueueCheck = 'none' | 'every' | 'path' | 'job' | 'cron' | 'workflow' | 'step' | 'bulk' | 'sent' | 'shown';

/**
 * The facts about an operation that servers and clients read: strings only, because every client bundle has them. The
 * parts that only servers and documents read, such as its parameters, its body and its entry of the audit log, are in
 * `schemas`, in the file of the same name.
 */
export interface Operation {
  readonly route: RouteRow;
  /** Other spellings that published clients use. The placeholders have the same names. */
  readonly also?: readonly RouteRow[];
  /** The right that a token needs; `open` needs no token. */
  readonly right: Right | 'open';
  readonly queues: QueueCheck;
  /**
   * `none`: the answer has no jobs and no templates of jobs, so nothing of it is hidden. Statistics and histories have
   * other members of the names `result`, `errors` and so on. Without it, arguments, results and details of errors are
   * hidden from a token that may not see them.
   */
  readonly payload?: 'none';
  /** The body itself is the filter that selects jobs, not only its member `filter`. */
  readonly filters?: true;
  /** The server may hold the request open while the caller disconnects. */
  readonly waits?: true;
  /** The call gives back memory of the server, so its body waits for space in place of being refused. */
  readonly settles?: true;
}

export type Rows = Readonly<Record<string, Operation>>;
