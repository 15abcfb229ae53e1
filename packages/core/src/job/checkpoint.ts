import { Issues, Part, rules } from '../envelope/validate.ts';
import { ProtocolError } from '../errors.ts';
import { members } from '../json/json.ts';
import { conflict } from '../lifecycle/decide.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import type { JobRecord, Json, Transition } from './job.ts';
import { isReporter, limitText, type ReadLease, type Reporter, readBody, readReporter } from './progress.ts';
import { State, stateName } from './states.ts';

/** State that an execution saved for the next one (ojs-durable-execution §5). */
export interface Checkpoint {
  /** From 1, +1 on every save. */
  readonly sequence: number;
  readonly at: Millis;
  /** JSON text as sent. */
  readonly state: Json;
}

/** Bytes of a checkpoint's state (ojs-durable-execution DUR-006). */
export const maxCheckpointBytes = 1_048_576;

/** A checkpoint as a worker sends it. */
export interface SentCheckpoint {
  readonly state: Json;
  /** Counts the checkpoints of one execution from 1, for a call that may arrive twice or late; null counts none. */
  readonly save: number | null;
}

/**
 * Reads `{state: …, x_save: …}`; null is a state, an absent member is not.
 * @throws ProtocolError `invalid_payload`, `invalid_request`, or `envelope_too_large`.
 */
export function readCheckpoint(
  text: Json,
  claimOf: ReadLease,
): { readonly sent: SentCheckpoint; readonly reporter: Reporter } {
  const issues = new Issues();
  const part = new Part(readBody(text), text, '$');
  const state = part.texts.get('state');
  if (state === undefined) issues.add('$.state', 'state is required; null is a valid state');
  const save = issues.check(part.find('x_save'), rules.count);
  const reporter = readReporter(part, issues, claimOf);
  if (issues.all.length > 0 || state === undefined) throw ProtocolError.invalid(issues.all);
  limitText('state', state, maxCheckpointBytes);
  return { sent: { state, save }, reporter };
}

/**
 * Saves a state in place of the previous one; null if this execution saved it or a later one before. Throws
 * `conflict` if the job is not active (ojs-durable-execution DUR-007), or belongs to another worker.
 */
export function checkpointed(job: JobRecord, sent: SentCheckpoint, reporter: Reporter, now: Millis): Transition | null {
  requireOwner(job, reporter);
  return sent.save !== null && sent.save <= lastSave(job) ? null : saved(job, sent, now);
}

function saved(job: JobRecord, { state, save }: SentCheckpoint, now: Millis): Transition {
  const sequence = (checkpointOf(job)?.sequence ?? 0) + 1;
  return {
    id: job.id,
    from: State.active,
    claim: job.claim,
    to: State.active,
    checkpoint: `{"sequence":${sequence},"at":${now},"claim":${job.claim},"save":${save ?? lastSave(job)},"state":${state}}`,
    beat: true,
    events: [{ kind: 'job.checkpointed', data: `{"sequence":${sequence}}` }],
  };
}

/** The transition of a report that also has a checkpoint (ojs-progress §6.4). */
export function withCheckpoint(transition: Transition, job: JobRecord, state: Json, now: Millis): Transition {
  limitText('checkpoint', state, maxCheckpointBytes);
  const { checkpoint = null, events } = saved(job, { state, save: null }, now);
  return { ...transition, checkpoint, events: [...transition.events, ...events] };
}

/**
 * Deletes the checkpoint; null if there is none. Only the job's own worker may delete that of an active job: throws
 * `conflict` for another reporter. Sequence numbers restart with the next save.
 */
export function checkpointCleared(job: JobRecord, reporter: Reporter): Transition | null {
  if (job.checkpoint === null) return null;
  if (job.state === State.active) requireOwner(job, reporter);
  return { id: job.id, from: job.state, claim: job.claim, to: job.state, checkpoint: null, events: [] };
}

export function checkpointOf(job: Pick<JobRecord, 'checkpoint'>): Checkpoint | null {
  if (job.checkpoint === null) return null;
  const texts = members(job.checkpoint);
  return { sequence: Number(texts.get('sequence')), at: Number(texts.get('at')), state: texts.get('state') ?? 'null' };
}

/** The number of the last checkpoint that the current execution numbered; 0 before it. */
function lastSave({ checkpoint, claim }: JobRecord): number {
  const texts = checkpoint === null ? null : members(checkpoint);
  return Number(texts?.get('claim')) === claim ? Number(texts?.get('save')) : 0;
}

/** Members of a checkpoint answer (ojs-durable-execution §4), with or without the state. */
export function renderCheckpoint(id: string, { sequence, at, state }: Checkpoint): Json {
  return `{"job_id":"${id}","state":${state},"sequence":${sequence},"created_at":"${formatTimestamp(at)}"}`;
}

/**
 * The members that the next execution gets with its envelope, under the names of ojs-durable-execution and of
 * ojs-progress; '' if there is no checkpoint.
 */
export function renderResume(job: Pick<JobRecord, 'checkpoint'>): string {
  const checkpoint = checkpointOf(job);
  if (checkpoint === null) return '';
  const { state, sequence } = checkpoint;
  return `,"checkpoint":{"state":${state},"sequence":${sequence}},"last_checkpoint":${state}`;
}

function requireOwner(job: JobRecord, reporter: Reporter): void {
  if (job.state !== State.active) throw conflict(job, State.active);
  if (isReporter(job, reporter)) return;
  throw new ProtocolError(
    'conflict',
    'The job now runs under another lease; only that execution may change its checkpoint. Stop this one.',
    {
      job_id: job.id,
      current_state: stateName(job.state),
      expected_state: stateName(State.active),
    },
  );
}
