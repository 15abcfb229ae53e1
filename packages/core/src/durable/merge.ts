import { ProtocolError } from '../errors.ts';
import type { Json } from '../job/job.ts';
import { utf8Length } from '../json/json.ts';
import type { Millis } from '../time/clock.ts';
import { isMailed, type StepRow, smallValueBytes, stepLimits } from './row.ts';
import type { SentStep, SentTry } from './sent.ts';

/** A row that stays as it is, or one to write. */
export type Merged =
  | { readonly kind: 'kept'; readonly name: string; readonly row: StepRow; readonly isRepeated: boolean }
  | Written;

export interface Written {
  readonly kind: 'written';
  readonly name: string;
  readonly row: StepRow;
  /** A value that has a record of its own. */
  readonly apart: Json | null;
  readonly isNew: boolean;
  readonly bytes: number;
  /** The worker does not know this outcome: the answer has it. */
  readonly isNews?: true;
}

/** @param now the store's latest time: ends of waits count from it. */
export interface Merging {
  readonly now: Millis;
  readonly claim: number;
}

/**
 * The row that a sent step makes of the one that is there. The first final outcome stays. An open row keeps the end of
 * its wait, so a suspension that is repeated after a restart never moves it.
 * @throws ProtocolError `step_kind`, `step_too_large`
 */
export function mergedStep(sent: SentStep, existing: StepRow | null, { now, claim }: Merging): Merged {
  const { name, kind, state, number } = sent;
  if (existing !== null && existing.kind !== kind) throw otherKind(sent, existing);
  // The answer to the begin of a wait has its signal, so that of a repeated one has it too.
  if (existing !== null && existing.state !== 'open')
    return { kind: 'kept', name, row: existing, isRepeated: state !== 'open' || isMailed(kind) };
  if (existing?.arrivedAt !== undefined) {
    if (state === 'open') return { kind: 'kept', name, row: existing, isRepeated: false };
    const row = { ...ended(existing, now), number, claim };
    return { kind: 'written', name, row, apart: null, isNew: false, bytes: 0, isNews: true };
  }
  const value = sent.value === undefined ? null : sent.value;
  const bytes = value === null ? 0 : utf8Length(value);
  if (bytes > stepLimits.valueBytes) throw tooLarge(name, bytes);
  const isApart = bytes > smallValueBytes;
  // The backoff between two tries ends with the last one.
  const isOver = kind === 'run' && state !== 'open';
  const { signal = existing?.signal, token = existing?.token, workflow = existing?.workflow } = sent;
  const asked = sent.until ?? (sent.ms === undefined ? undefined : now + sent.ms);
  // A later try has a backoff of its own.
  const isLaterTry =
    kind === 'run' && sent.tries !== undefined && existing !== null && !isCounted(sent.tries, existing);
  const until = isOver ? undefined : isLaterTry ? asked : (existing?.until ?? asked);
  const nextAt = state !== 'open' ? undefined : sent.nextMs === undefined ? existing?.nextAt : now + sent.nextMs;
  const tries = sent.tries ?? existing?.tries;
  const error = sent.error ?? (state === 'open' ? existing?.error : undefined);
  const row: StepRow = {
    ...{ kind, state, number, claim, startedAt: existing?.startedAt ?? now },
    ...(state !== 'open' && { endedAt: now }),
    ...(tries !== undefined && { tries }),
    ...(until !== undefined && { until: Math.min(until, now + stepLimits.waitMs) }),
    ...(nextAt !== undefined && { nextAt }),
    ...(signal !== undefined && { signal }),
    ...(token !== undefined && { token }),
    ...(workflow !== undefined && { workflow }),
    ...(value !== null && (isApart ? { bytes } : { value })),
    ...(error !== undefined && { error }),
    ...((sent.undo ?? existing?.undo) && { undo: true as const }),
    ...(existing?.origin !== undefined && { origin: existing.origin }),
  };
  if (existing !== null && isAlike(row, existing)) return { kind: 'kept', name, row: existing, isRepeated: false };
  return { kind: 'written', name, row, apart: isApart ? value : null, isNew: existing === null, bytes };
}

/**
 * An open wait with a payload. It stays open until the worker reports the end of the wait: the number of that report is
 * its place among the outcomes, so a race has the same winner in each execution.
 */
export function arrived(name: string, open: StepRow, { text, encoded }: Payload, now: Millis): Written {
  const bytes = text === null ? 0 : utf8Length(text);
  const isApart = bytes > smallValueBytes;
  const row: StepRow = {
    ...open,
    arrivedAt: now,
    ...(text !== null && (isApart ? { bytes } : { value: text })),
    ...(encoded && { encoded }),
  };
  return { kind: 'written', name, row, apart: isApart ? text : null, isNew: false, bytes };
}

/** The end of a wait whose signal has come. */
export function ended({ arrivedAt: _, ...row }: StepRow, now: Millis): StepRow {
  return { ...row, state: 'done', endedAt: now };
}

/** The payload of a signal. */
export interface Payload {
  /** JSON text; null for none. */
  readonly text: Json | null;
  /** It went through the codec of its sender. */
  readonly encoded?: true | undefined;
}

/** The open row of a step whose try has failed and that is tried again. */
export function mergedTry(sent: SentTry, existing: StepRow | null, { now, claim }: Merging): Merged {
  const { name, number, tries, error, retryMs } = sent;
  if (existing !== null && existing.kind !== 'run') throw otherKind({ name, kind: 'run' }, existing);
  if (existing !== null && existing.state !== 'open') return { kind: 'kept', name, row: existing, isRepeated: true };
  // It was recorded when its backoff began.
  if (existing !== null && isCounted(tries, existing)) return { kind: 'kept', name, row: existing, isRepeated: false };
  const startedAt = existing?.startedAt ?? now;
  const until = now + retryMs;
  const row: StepRow = { ...existing, kind: 'run', state: 'open', number, claim, startedAt, tries, until, error };
  return { kind: 'written', name, row, apart: null, isNew: existing === null, bytes: 0 };
}

/** When an open row is due: at the next probe of a poll, else at the end of its wait; null if it waits for no time. */
export function dueOf({ until, nextAt }: Partial<Record<'until' | 'nextAt', Millis | undefined>>): Millis | null {
  return nextAt === undefined ? (until ?? null) : Math.min(nextAt, until ?? nextAt);
}

function isCounted(tries: number, { tries: counted = 0 }: StepRow): boolean {
  return tries <= counted;
}

/** An open row that says the same is not written again. */
function isAlike(row: StepRow, existing: StepRow): boolean {
  const { number, tries, until, nextAt, error } = row;
  return (
    row.state === 'open' &&
    number === existing.number &&
    tries === existing.tries &&
    until === existing.until &&
    nextAt === existing.nextAt &&
    error === existing.error
  );
}

function otherKind({ name, kind }: Pick<SentStep, 'name' | 'kind'>, existing: StepRow): ProtocolError {
  const message = `The step ${JSON.stringify(name)} is recorded as ${existing.kind}; got one of the kind ${kind}.`;
  return new ProtocolError('step_kind', message, { step: name, recorded: existing.kind, sent: kind });
}

function tooLarge(name: string, size: number): ProtocolError {
  const max = stepLimits.valueBytes;
  const message = `The value of step ${JSON.stringify(name)} has ${size} bytes; at most ${max} are allowed.`;
  return new ProtocolError('step_too_large', message, { step: name, size, max_size: max });
}
