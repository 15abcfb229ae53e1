import { entryText } from '../job/history.ts';
import type { JobRecord, Transition } from '../job/job.ts';
import { Terminal } from '../job/states.ts';
import type { Millis } from '../time/clock.ts';
import { isIn } from './change.ts';
import { conflict } from './decide.ts';

/**
 * Deletes the timeline of a job that has ended, with its errors (ojs-execution-history §7.3): only the moment of the
 * purge stays. Throws `conflict` for another job: the rules of its next attempts read its timeline.
 */
export function historyPurged(job: JobRecord, now: Millis): Transition {
  if (!isIn(job.state, Terminal)) throw conflict(job, Terminal);
  const history = entryText({ kind: 'purged', at: now, from: job.state });
  return { id: job.id, from: job.state, claim: job.claim, to: job.state, history, events: [] };
}
