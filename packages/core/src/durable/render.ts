import type { Json } from '../job/job.ts';
import { utf8Length } from '../json/json.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import { dueOf, type Merged } from './merge.ts';
import { type NamedRow, valueBytes } from './read-rows.ts';
import type { StepRow } from './row.ts';

/** Bytes of `x_steps` of one job, and of all jobs of a fetch. */
export const fetchBytes = { job: 16_384, all: 262_144 } as const;

/**
 * `x_steps` of a fetched job, and its bytes.
 * @param rows by their numbers; null for a job with too many to be sent.
 */
export function claimedSteps(
  rows: readonly NamedRow[] | null,
  now: Millis,
  room: number,
): { readonly text: Json; readonly bytes: number } {
  const texts: Json[] = [];
  let bytes = 0;
  for (const { name, row } of rows ?? []) {
    const text = `{"name":${JSON.stringify(name)}${rowMembers(row, row.value)}${dueMember(row, now)}}`;
    bytes += utf8Length(text) + 1;
    if (bytes > Math.min(room, fetchBytes.job)) break;
    texts.push(text);
  }
  const more = rows === null || texts.length < rows.length ? ',"more":true' : '';
  return { text: `{"rows":[${texts.join(',')}]${more}}`, bytes };
}

/** `due`: the wait is over, by the clock of the server. */
function dueMember(row: StepRow, now: Millis): Json {
  const due = dueOf(row);
  const isDue = row.state === 'open' && (row.arrivedAt !== undefined || (due !== null && due <= now));
  return isDue ? ',"due":true' : '';
}

/** A step of GET /jobs/:id/steps. @param value null for one that is not shown. */
export function shownStep({ name, row }: NamedRow, value: Json | null, showsErrors: boolean, now: Millis): Json {
  const { claim, startedAt, endedAt } = row;
  const times = `,"claim":${claim},"started_at":"${formatTimestamp(startedAt)}"`;
  const ended = endedAt === undefined ? '' : `,"ended_at":"${formatTimestamp(endedAt)}"`;
  const shown = showsErrors ? row : withoutError(row);
  return `{"name":${JSON.stringify(name)}${rowMembers(shown, value ?? undefined)}${dueMember(row, now)}${times}${ended}}`;
}

function withoutError({ error: _, ...row }: StepRow): StepRow {
  return row;
}

/** The outcome of a recorded step. @param value of an earlier outcome. */
export function recordedStep({ name, kind, row, ...one }: Merged, value: Json | undefined): Json {
  const { state, until, error, encoded } = row;
  const end = until === undefined ? '' : `,"until":"${formatTimestamp(until)}"`;
  const head = `{"name":${JSON.stringify(name)},"state":"${state}"${end}`;
  if (!(kind === 'written' ? 'isNews' in one : 'isRepeated' in one && one.isRepeated)) return `${head}}`;
  const outcome = `${value === undefined ? '' : `,"value":${value}`}${error === undefined ? '' : `,"error":${error}`}`;
  return `${head}${outcome}${encoded ? ',"encoded":true' : ''},"recorded":true}`;
}

function rowMembers(row: StepRow, value: Json | undefined): Json {
  const { kind, state, number, tries, until, nextAt, error, signal, token, workflow, encoded, arrivedAt } = row;
  const { undo, origin } = row;
  const bytes = valueBytes(row);
  let text = `,"kind":"${kind}","state":"${state}","number":${number}`;
  if (tries !== undefined) text += `,"tries":${tries}`;
  if (until !== undefined) text += `,"until":"${formatTimestamp(until)}"`;
  if (nextAt !== undefined) text += `,"next_at":"${formatTimestamp(nextAt)}"`;
  if (value !== undefined) text += `,"value":${value}`;
  else if (bytes > 0) text += `,"bytes":${bytes}`;
  if (error !== undefined) text += `,"error":${error}`;
  if (signal !== undefined) text += `,"signal":${JSON.stringify(signal)}`;
  if (token !== undefined) text += `,"token":${JSON.stringify(token)}`;
  if (workflow !== undefined) text += `,"workflow":"${workflow}"`;
  if (arrivedAt !== undefined) text += ',"arrived":true';
  if (encoded) text += ',"encoded":true';
  if (undo) text += ',"undo":true';
  if (origin !== undefined) text += `,"origin":"${origin}"`;
  return text;
}
