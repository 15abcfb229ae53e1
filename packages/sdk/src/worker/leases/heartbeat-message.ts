import { textOf, type Wire } from '../../json.ts';
import type { Load } from './shared-load.ts';

/** A worker's state on the wire (ojs-worker-protocol §2). */
export type ReportedState = 'running' | 'quiet' | 'terminate';

/** `running` only where the server says so by a directive of its own: an echoed state is no order. */
export type Directive = ReportedState | null;

/** A job that a heartbeat lists. */
export interface Listed {
  readonly id: string;
  readonly lease: string | undefined;
}

/** A worker, and the secret by which the server knows that a call in its name is its own. */
export interface Identity {
  readonly worker_id: string;
  readonly worker_secret: string;
}

/** The part that does not change between heartbeats. */
export interface About extends Identity {
  readonly hostname: string;
  readonly pid: number;
  readonly started_at: string;
  readonly visibility_timeout_ms: number;
  readonly queues: readonly string[];
  readonly concurrency: number;
  readonly labels: readonly string[];
}

/** In the order of their severity. */
export const reportedStates: readonly ReportedState[] = ['running', 'quiet', 'terminate'];
const severities: readonly string[] = reportedStates;

/**
 * The claims that a heartbeat reports. The open fetches are read before the list: a fetch is over once its jobs are
 * listed.
 */
export interface Held {
  readonly openFetches: readonly string[];
  readonly listed: readonly Listed[];
  /** `server_time` of the last answer: claims that were made later may be unknown here. */
  readonly serverTime: string | undefined;
}

/** @param load absent if it cannot be measured. */
export function heartbeatBody(
  about: About,
  state: ReportedState,
  { openFetches, listed, serverTime }: Held,
  load: Load | undefined,
): string {
  const ids = listed.map(({ id }) => id);
  return JSON.stringify({
    ...about,
    state,
    load,
    // Both dialects read this: ids in an array (ojs-http-binding §10.4), and ids beside a count (ojs-worker-protocol
    // §4).
    active_jobs: ids,
    active_job_ids: ids,
    active_job_count: ids.length,
    leases: Object.fromEntries(listed.flatMap(({ id, lease }) => (lease === undefined ? [] : [[id, lease]]))),
    open_fetches: openFetches,
    last_server_time: serverTime,
  });
}

export function directiveIn(answer: Wire, reported: ReportedState): Directive {
  const directive = severityOf(answer.directive);
  const state = severityOf(answer.state);
  const ordered = Math.max(directive, state <= severityOf(reported) ? -1 : state);
  return reportedStates[ordered] ?? null;
}

function severityOf(word: unknown): number {
  return severities.indexOf(textOf(word) ?? '');
}
