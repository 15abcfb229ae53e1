import type { StepStore } from '../durable/store.ts';
import { allRows, takeOver, undoNow } from '../durable/successor.ts';
import { standing } from '../durable/undo.ts';
import { ProtocolError } from '../errors.ts';
import type { JobId, JobRecord } from '../job/job.ts';
import { missingJob } from '../job-store.ts';
import { changeNames } from '../lifecycle/job-changes.ts';
import { enqueuedReply } from '../requests/enqueue.ts';
import type { PlainReply } from '../requests/reply.ts';
import { readBody } from '../schemas/requests.ts';
import { ask, type Steps } from '../steps.ts';
import { nearestName } from '../suggestion.ts';
import { isUuidv7 } from '../uuid.ts';
import { idOf, type Request } from './handler.ts';

interface Host {
  readonly steps: StepStore;
}

/** POST /admin/jobs/:id/undo. @param newId of the job that undoes; a repeated call has the same. */
export function* undoJob({ steps }: Host, request: Request, newId: () => JobId): Steps<PlainReply> {
  const made = yield* undoNow(steps, yield* jobOf(steps, request), newId());
  return enqueuedReply({ kind: 'created', job: made, replaced: [] }, steps.clock.now());
}

/**
 * POST /admin/jobs/:id/rerun with `from_step`; null without it. The new job has the steps that were recorded before this
 * one, and runs the others again.
 * @throws ProtocolError `undo_pending` where a step that was not undone would be forgotten; `steps_moved`; `conflict`;
 * `invalid_request` for a step that the job does not have.
 */
export function* rerunFromStep({ steps }: Host, request: Request, newId: () => JobId): Steps<PlainReply | null> {
  const { from_step: step, forget = false, ...body } = readBody('job.rerun', request, steps.clock.now());
  if (step === undefined && !forget) return null;
  if (step === undefined) throw ProtocolError.invalid([{ path: '$.forget', message: 'belongs to from_step' }]);
  const more = ['id' as const, ...changeNames].filter((name) => body[name] !== undefined);
  if (more.length > 0)
    throw ProtocolError.invalid(
      more.map((name) => ({
        path: `$.${name}`,
        message: 'is excluded by from_step: recorded steps follow from the job',
      })),
    );
  const job = yield* jobOf(steps, request);
  const rows = yield* allRows(steps, job.id);
  const found = rows.find(({ name }) => name === step);
  if (found === undefined)
    throw noSuchStep(
      step,
      rows.map(({ name }) => name),
    );
  const before = found.row.number;
  const left = standing(rows).filter((name) => rows.some((one) => one.name === name && one.row.number >= before));
  if (left.length > 0 && !forget) throw undoPending(job, step, left);
  const made = yield* takeOver(steps, job, { job: newId(), as: 'rerun', before });
  return enqueuedReply({ kind: 'created', job: made, replaced: [] }, steps.clock.now());
}

function* jobOf(store: StepStore, request: Request): Steps<JobRecord> {
  const id = idOf(request);
  const job = isUuidv7(id) ? yield* ask(store.job(id)) : null;
  if (job === null) throw missingJob(id);
  return job;
}

function noSuchStep(name: string, names: readonly string[]): ProtocolError {
  const near = nearestName(name, names);
  const meant = near === undefined ? '' : ` Did you mean ${JSON.stringify(near)}?`;
  const message = `is ${JSON.stringify(name)}; the job has no recorded step of this name.${meant}`;
  return ProtocolError.invalid([{ path: '$.from_step', message }]);
}

function undoPending({ id }: JobRecord, step: string, names: readonly string[]): ProtocolError {
  const shown = names.slice(0, 5).map((name) => JSON.stringify(name));
  const message =
    `The job would run again from ${JSON.stringify(step)}, and these of its steps can be undone and were not: ` +
    `${shown.join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}.`;
  return new ProtocolError('undo_pending', message, { job_id: id, steps: names.slice(0, 100) });
}
