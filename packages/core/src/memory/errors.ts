import {
  comparePlaces,
  type ErrorGroups,
  type ErrorQuery,
  errorFingerprint,
  errorGroup,
  Failed,
  isFingerprint,
  type JobRecord,
  mostFrequent,
  placeOf,
  State,
} from '@ojs-ts/core/job';
import { isIn } from '@ojs-ts/core/lifecycle';
import type { OrderedJob } from './ready-queue.ts';

/** Jobs that failed with one error, and that a query cannot distinguish. */
interface Group<Row> extends Pick<JobRecord, 'state' | 'deadLetter' | 'queue' | 'type'> {
  readonly fingerprint: string;
  readonly key: string;
  readonly rows: Set<Row>;
}

/** The jobs that failed, by the fingerprints of their errors. */
export class Errors<Row extends OrderedJob> {
  /** By fingerprint, then key. */
  readonly #groups = new Map<string, Map<string, Group<Row>>>();
  readonly #groupOf = new Map<Row, Group<Row>>();

  /** The row leaves its group when it changes: {@link remove}. */
  add(row: Row): void {
    const fingerprint = errorFingerprint(row.job);
    if (fingerprint === null) return;
    const { state, deadLetter, queue, type } = row.job;
    const key = `${state} ${deadLetter} ${queue} ${type}`;
    const groups = this.#groups.get(fingerprint) ?? new Map<string, Group<Row>>();
    const group = groups.get(key) ?? { fingerprint, key, state, deadLetter, queue, type, rows: new Set<Row>() };
    group.rows.add(row);
    this.#groups.set(fingerprint, groups.set(key, group));
    this.#groupOf.set(row, group);
  }

  remove(row: Row): void {
    const group = this.#groupOf.get(row);
    if (group === undefined) return;
    const { fingerprint, key, rows } = group;
    this.#groupOf.delete(row);
    rows.delete(row);
    if (rows.size > 0) return;
    const groups = this.#groups.get(fingerprint);
    groups?.delete(key);
    if (groups?.size === 0) this.#groups.delete(fingerprint);
  }

  /** The jobs that failed with the error, or with its message. */
  with(wanted: string): readonly Row[] {
    const found = isFingerprint(wanted)
      ? [this.#groups.get(wanted) ?? new Map<string, Group<Row>>()]
      : [...this.#groups].flatMap(([fingerprint, groups]) => (fingerprint.startsWith(wanted) ? [groups] : []));
    return found.flatMap((groups) => [...groups.values()].flatMap(({ rows }) => [...rows]));
  }

  count({ states, deadLetter, queue, type, limit }: ErrorQuery): ErrorGroups {
    const fits = (group: Group<Row>) =>
      isIn(group.state, states & Failed) &&
      (!deadLetter || group.deadLetter) &&
      (queue === undefined || group.queue === queue) &&
      (type === undefined || group.type === type);
    const found = new Map(
      [...this.#groups].flatMap(([fingerprint, groups]) => {
        const fitting = [...groups.values()].filter(fits);
        return fitting.length === 0 ? [] : [[fingerprint, fitting] as const];
      }),
    );
    const counts = new Map(
      [...found].map(([fingerprint, groups]) => [fingerprint, groups.reduce((sum, { rows }) => sum + rows.size, 0)]),
    );
    const { most, ...sums } = mostFrequent(counts, limit);
    const groups = most.flatMap(([fingerprint, count]) => {
      const ends = [State.retryable, State.discarded].flatMap((state) =>
        endsOf((found.get(fingerprint) ?? []).flatMap((group) => (group.state === state ? [...group.rows] : []))),
      );
      return (
        errorGroup(
          fingerprint,
          count,
          ends.map(({ job }) => job.history),
        ) ?? []
      );
    });
    return { groups, ...sums };
  }
}

/** The first and the last row, in the order of lists. */
function endsOf<Row extends OrderedJob>([first, ...others]: readonly Row[]): readonly Row[] {
  if (first === undefined) return [];
  const isBefore = (a: Row, b: Row) => comparePlaces(placeOf(a.job, a.number), placeOf(b.job, b.number)) < 0;
  const newest = others.reduce((best, row) => (isBefore(row, best) ? row : best), first);
  const oldest = others.reduce((best, row) => (isBefore(best, row) ? row : best), first);
  return [oldest, newest];
}
