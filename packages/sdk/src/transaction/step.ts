import { utf8Length } from '@ojs-ts/core';
import { smallValueBytes, stepLimits, stepsKind, valuesKind } from '@ojs-ts/core/durable';
import { OJSError, OJSValidationError } from '../errors.ts';
import { keptText } from '../worker/execution/result.ts';
import { StepLimitError } from '../worker/steps/errors.ts';
import { recordingKey, type StepRecording } from '../worker/steps/recording.ts';
import type { StepInfo } from '../worker/steps/types.ts';
import type { Claimed } from './complete.ts';
import { isMarked } from './open.ts';
import type { SqlTransaction, Statement } from './sql.ts';

/**
 * The step is recorded already, by a transaction whose answer was lost. Let it pass, so that your transaction rolls
 * back: `ctx.step()` then resolves to the recorded value.
 */
export class StepRecordedError extends OJSError {
  static override readonly name: string = 'StepRecordedError';
}

/** A step of a running handler, with the fence of its execution. */
export interface ClaimedStep {
  readonly recording: StepRecording;
  readonly claimed: Claimed;
}

/**
 * Null in a test without a stored job, where nothing is recorded.
 * @throws {OJSValidationError} for anything but the argument of the function of `ctx.step()`; {OJSError}
 */
export function claimedStep(
  step: StepInfo & { readonly [recordingKey]?: StepRecording | undefined },
): ClaimedStep | null {
  const recording = step[recordingKey];
  if (recording === undefined)
    throw OJSValidationError.of('step', 'expected the argument of the function that ctx.step() runs', step);
  const { jobId, claim, storage } = recording;
  if (storage === 'skipped') return null;
  if (storage === 'apart' || claim === null)
    throw new OJSError('A step in your transaction needs the server of ojs-ts, in the same database.', { jobId });
  return { recording, claimed: { id: jobId, claim } };
}

/** JSON text of the value; null for `undefined`. */
export function stepValue({ name }: StepInfo, { jobId }: StepRecording, value: unknown): string | null {
  if (value === undefined) return null;
  const text = keptText(value, 'value');
  if (typeof text !== 'string') throw OJSValidationError.of(text.path, text.message);
  const bytes = utf8Length(text);
  if (bytes <= stepLimits.valueBytes) return text;
  const { valueBytes } = stepLimits;
  const message = `The value of step "${name}" has ${bytes} bytes of JSON, and a step can have ${valueBytes}.`;
  throw new StepLimitError('step_too_large', `${message} Store it elsewhere and record a reference to it.`, { jobId });
}

/** Records the outcome of the step, unless it has one. The row says whether the execution is still the worker's. */
export function recordStatements(
  dialect: SqlTransaction['dialect'],
  schema: string,
  { name }: StepInfo,
  { recording, claimed: { id, claim } }: ClaimedStep,
  value: string | null,
  mark = '',
): { readonly row: Statement; readonly apart: Statement | null } {
  const now = Date.now();
  const bytes = value === null ? 0 : utf8Length(value);
  const isApart = bytes > smallValueBytes;
  const body = JSON.stringify({
    ...{ kind: 'run', state: 'done', number: recording.reserve(), claim },
    ...{ startedAt: recording.startedAt, endedAt: now, tries: recording.tries },
    ...(value !== null && (isApart ? { bytes } : { value })),
    ...recording.kept,
  });
  const isSqlite = dialect === 'sqlite';
  const table = isSqlite ? 'ojs_records' : `"${schema}".records`;
  // A quote inside of a JSON string is escaped, so the text appears as a member only.
  const isOpen = isSqlite
    ? `instr(ojs_records.body, '"state":"open"') > 0`
    : `strpos(record.body, '"state":"open"') > 0`;
  const target = isSqlite ? table : `${table} AS record`;
  const before = isSqlite ? table : 'record';
  const cell = (at: number, type: string) => (isSqlite ? `$${at}` : `$${at}::text::${type}`);
  const put = `INSERT INTO ${target} (kind, key, version, created_at, updated_at, body)
      SELECT ${cell(1, 'text')}, ${cell(2, 'text')}, 1, ${cell(3, 'bigint')}, ${cell(3, 'bigint')}, ${cell(4, 'text')}`;
  const set = `DO UPDATE SET version = ${before}.version + 1, updated_at = excluded.updated_at, body = excluded.body`;
  const held = isSqlite
    ? 'FROM ojs_jobs WHERE id = $5 AND state = 8 AND claim = $6'
    : `FROM "${schema}".active WHERE id = $5::text::uuid AND claim = $6::text::integer AND ${isMarked(7)}`;
  const row = {
    text: `${put} ${held} ON CONFLICT (kind, key) ${set} WHERE ${isOpen} RETURNING 1 AS put`,
    values: [stepsKind(id), name, String(now), body, id, String(claim), ...(isSqlite ? [] : [mark])],
  };
  if (!isApart) return { row, apart: null };
  const values = [valuesKind(id), name, String(now), value];
  return { row, apart: { text: `${put} ${isSqlite ? 'WHERE true ' : ''}ON CONFLICT (kind, key) ${set}`, values } };
}

/** Returns a row if the step has an outcome: the execution is the worker's, and nothing was written. */
export function recordedStatement(
  dialect: SqlTransaction['dialect'],
  schema: string,
  { name }: StepInfo,
  { id }: Claimed,
): Statement {
  const isSqlite = dialect === 'sqlite';
  const table = isSqlite ? 'ojs_records' : `"${schema}".records`;
  const is = (column: string, at: number) => `${column} = $${at}${isSqlite ? '' : '::text'}`;
  const text = `SELECT 1 AS recorded FROM ${table} WHERE ${is('kind', 1)} AND ${is('key', 2)}`;
  return { text, values: [stepsKind(id), name] };
}

export function alreadyRecorded({ name }: StepInfo, { id }: Claimed): StepRecordedError {
  return new StepRecordedError(
    `The step "${name}" is recorded already. Roll the transaction back: ctx.step() resolves to the recorded value.`,
    { jobId: id },
  );
}
