import type { JobId } from '../job/job.ts';
import { utf8Length } from '../json/json.ts';
import type { StoredRecord } from '../records.ts';
import { ask, type Steps } from '../steps.ts';
import { readRow, type StepRow, stepLimits, stepsKind } from './row.ts';
import type { StepStore } from './store.ts';

export interface NamedRow {
  readonly name: string;
  readonly row: StepRow;
}

/** Rows that one read takes: a row may have a value of 1 KiB and an error of 64 KiB. */
const page = 200;

export function namedRow({ key, body }: StoredRecord): NamedRow {
  return { name: key, row: readRow(body) };
}

/**
 * The rows of a job by their numbers; null if it has more than `most`. Rows are stored by name, so the first ones by
 * number are known only when all were read.
 */
export function* rowsOf(
  store: StepStore,
  id: JobId,
  most: number = stepLimits.steps,
): Steps<readonly NamedRow[] | null> {
  const rows: NamedRow[] = [];
  for (let from: string | undefined; ; ) {
    const limit = Math.min(page, most + 1 - rows.length);
    const found = yield* ask(store.scan(stepsKind(id), { ...(from !== undefined && { from }), limit }));
    rows.push(...found.map(namedRow));
    if (rows.length > most) return null;
    if (found.length < limit) return rows.sort((a, b) => a.row.number - b.row.number);
    from = found.at(-1)?.key;
  }
}

export function valueBytes({ value, bytes }: StepRow): number {
  return bytes ?? (value === undefined ? 0 : utf8Length(value));
}
