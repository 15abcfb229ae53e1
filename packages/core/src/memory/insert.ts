import { creationEvent } from '@ojs-ts/core/events';
import type { NewJob } from '@ojs-ts/core/job';
import {
  type AdmissionOptions,
  type AdmissionView,
  type Admitted,
  admit,
  hasNumbers,
  type Inserted,
} from '@ojs-ts/core/lifecycle';
import { sumsOf } from '@ojs-ts/core/statistics';
import type { Change } from './change.ts';
import { replace } from './move.ts';
import type { Tables } from './tables.ts';

/** The view of admission on the current tables. */
function viewOf(tables: Tables): AdmissionView {
  return {
    jobById: (id) => tables.rows.get(id)?.job ?? null,
    holders: {
      all: (key) => tables.uniqueKeys.unfinished(key),
      oldest: (key, state, after) => tables.uniqueKeys.oldest(key, state, after) ?? null,
    },
    queue: (name) => tables.queues.get(name) ?? null,
  };
}

export function insertGroup(
  tables: Tables,
  group: readonly NewJob[],
  change: Change,
  options?: AdmissionOptions,
): readonly Inserted[] {
  const { answers, admitted } = admit(viewOf(tables), group, options);
  for (const one of admitted) carryOut(tables, one, change);
  return answers;
}

function carryOut(tables: Tables, { job, record, replaced }: Admitted, change: Change): void {
  for (const id of replaced) {
    const row = tables.rows.get(id);
    if (row) replace(tables, row, change);
  }
  for (const { key, concurrency, rates } of job.limits) {
    if (hasNumbers({ concurrency, rates })) tables.changeLimit(key, { own: { concurrency, rates } }, change.now);
    else tables.limit(key);
  }
  tables.add(record, change.now);
  tables.statistics.add(record, sumsOf(null, record.state, change.now), change.now);
  const kind = creationEvent(record.state);
  if (kind) change.log(kind, record, null);
}
