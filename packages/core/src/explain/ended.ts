import { pastOf } from '../durable/marks.ts';
import { historyOf, lastEntry } from '../job/history.ts';
import type { JobId, JobRecord } from '../job/job.ts';
import { State, stateName } from '../job/states.ts';
import { isExpired } from '../lifecycle/change.ts';
import { policyOf, unhandledCode } from '../lifecycle/decide.ts';
import { isDeath } from '../lifecycle/poison.ts';
import { allowedAttempts, retryPolicy } from '../lifecycle/retry.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import type { WorkflowRecord } from '../workflow/types.ts';
import {
  type Explanation,
  listed,
  ofJob,
  type Reason,
  type ReasonCode,
  type ReasonWorker,
  withoutStop,
} from './reasons.ts';
import { rerunRemedy } from './step.ts';
import { attemptOf, errorLine, workerNamed } from './waiting.ts';

/** The facts about an ended job that its record does not have. */
export interface EndedFacts {
  /** The workflow of the job. */
  readonly workflow: WorkflowRecord | null;
  /** A job with the same unique key that was created when this one was cancelled. */
  readonly successor: JobId | null;
}

/** Why a job has ended. */
export function explainEnded(job: JobRecord, facts: EndedFacts, now: Millis): Explanation {
  const reason =
    job.state === State.completed
      ? completed(job)
      : job.state === State.cancelled
        ? cancelled(job, facts)
        : discarded(job, now);
  return ofJob(job, [reason], null, now);
}

function completed(job: JobRecord): Reason {
  const message = `${workerNamed(job.worker)} completed the job in attempt ${job.attempt}${at(job.finishedAt)}.`;
  return { code: 'completed', message, ...since(job.finishedAt) };
}

function cancelled(job: JobRecord, { workflow, successor }: EndedFacts): Reason {
  const { finishedAt } = job;
  const remedy = 'Enqueue the job again: a cancelled job does not run.';
  const entry = historyOf(job).findLast(({ kind }) => kind === 'cancelled');
  const from = entry?.kind === 'cancelled' ? entry.from : null;
  // The end of a workflow cancels its waiting jobs only.
  const isSwept = from !== State.active && (workflow?.finishedAt ?? 0) <= (finishedAt ?? 0);
  if (workflow?.state === 'cancelled' && isSwept) {
    const message = `Workflow ${workflow.id} was cancelled${at(workflow.finishedAt)}, and its waiting jobs with it.`;
    return { code: 'workflow_cancelled', message, ...since(finishedAt), remedy: rerunRemedy(workflow.id) };
  }
  if (successor !== null) {
    const message =
      `Job ${successor} has the same unique key and was created when this job was cancelled; ` +
      'its unique policy has probably replaced this job.';
    const jobs = [{ id: successor, worker: null, since: null }];
    return { code: 'replaced', message, ...since(finishedAt), jobs };
  }
  const was = from === null ? '' : ` while it was ${stateName(from)}`;
  const message = `The job was cancelled${at(finishedAt)}${was}; the audit log says who did it.`;
  return { code: 'cancelled', message, ...since(finishedAt), remedy };
}

/** The codes of `expired` entries that a limit of time writes; any other one is a refused import. */
const timeLimits: readonly string[] = ['expired', 'enqueue_ttl_expired', 'total_timeout'];

function discarded(job: JobRecord, now: Millis): Reason {
  const entry = lastEntry(job);
  const where = job.deadLetter ? '; it is in the dead letter' : '';
  const remedy = remedyOf(job, now);
  if (entry === null) {
    const message = `The job was discarded${at(job.finishedAt)}${where}; no error is on record.`;
    return { code: 'unknown', message, ...since(job.finishedAt), remedy };
  }
  const { error } = entry;
  const sentence = (code: ReasonCode, text: string): Reason => ({
    code,
    message: `${text}${where}.`,
    since: entry.at,
    remedy,
  });
  if (entry.kind === 'discarded') return sentence('discarded', `An operator discarded the job${at(entry.at)}`);
  // A handler may report an error with any code.
  const isOurs = entry.kind === 'expired' || entry.by === 'server';
  if (isOurs && error.code === 'poison_pill')
    return { ...sentence('poison', withoutStop(error.message)), ...victims(job) };
  if (isOurs && timeLimits.includes(error.code)) return sentence('expired', withoutStop(error.message));
  if (entry.kind === 'expired')
    return {
      ...sentence('refused', `A transaction committed the job, and the server refused it with ${errorLine(error)}`),
      remedy: 'Remove the cause, then enqueue the job again.',
    };
  if (error.code === unhandledCode)
    return {
      ...sentence('no_handler', withoutStop(error.message)),
      remedy: `Start a worker that registers ${job.type} and reads the queue ${job.queue}, then retry the job.`,
    };
  const failed = `${attemptOf(job)} failed with ${errorLine(error)}`;
  const isLast = job.attempt - pastOf(job) >= allowedAttempts(retryPolicy(policyOf(job).retry));
  return isLast
    ? sentence('attempts_exhausted', failed)
    : sentence('final_error', `${failed}; the error, its policy or its handler rules out another attempt`);
}

/** The times of a job stay with a retry by hand. */
function remedyOf(job: JobRecord, now: Millis): string {
  if (isExpired(job, now)) return 'Enqueue the job again: after a retry it would expire at once.';
  const workflow = job.node === null ? '' : ` Workflow ${job.node.workflow} then continues with it.`;
  return job.deadLetter
    ? `Remove the cause, then retry the job from the dead letter.${workflow}`
    : `Remove the cause, then retry the job.${workflow}`;
}

/** The workers that died while they ran the job. */
function victims(job: JobRecord): Pick<Reason, 'workers' | 'partial'> {
  const workers = historyOf(job).flatMap((entry): ReasonWorker[] => {
    if (!isDeath(entry) || !('worker' in entry) || entry.worker === null) return [];
    return [{ id: entry.worker, status: 'dead', seenAt: null, held: null, slots: null }];
  });
  return listed('workers', [...new Map(workers.map((worker) => [worker.id, worker])).values()]);
}

function at(moment: Millis | null): string {
  return moment === null ? '' : ` at ${formatTimestamp(moment)}`;
}

function since(moment: Millis | null): Pick<Reason, 'since'> {
  return moment === null ? {} : { since: moment };
}
