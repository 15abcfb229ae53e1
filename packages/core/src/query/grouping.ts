import type { JobRecord, Json } from '../job/job.ts';
import { stateName } from '../job/states.ts';
import { canonicalJson } from '../json/canonical.ts';
import { valueAt } from '../json/json.ts';
import { sha256 } from '../lifecycle/unique/sha256.ts';
import type { Millis } from '../time/clock.ts';
import { fields } from './fields.ts';
import type { FieldPlace } from './parse.ts';

/** Characters of a value that an answer has. A longer value is identified by its digest. */
const maxValue = 500;
/** The most values that one part of a scan counts separately; jobs with further ones are counted together. */
const maxGroups = 10_000;

/** How many jobs have a value. */
export interface JobGroup {
  /**
   * Canonical JSON: equal values have equal texts, and numbers are exact. A long one is replaced by a string with its
   * beginning.
   */
  readonly value: Json;
  /** SHA-256 of the canonical JSON of a long value; null for others. */
  readonly digest: string | null;
  readonly count: number;
}

/** Counts jobs by the values of one field. A job with several values, such as tags, counts under each of them. */
export class JobGroups {
  readonly #read: (job: JobRecord) => readonly Json[];
  readonly #groups = new Map<string, { readonly value: Json; readonly digest: string | null; count: number }>();
  #jobs = 0;
  #without = 0;
  #others = 0;

  /** @param now what the expiry of results counts from. */
  constructor(place: FieldPlace, now: Millis) {
    this.#read = readerOf(place, now);
  }

  add(job: JobRecord): void {
    this.#jobs += 1;
    const values = new Set(this.#read(job).map(canonicalJson));
    if (values.size === 0) this.#without += 1;
    for (const value of values) this.#count(value);
  }

  /** Jobs that were added. */
  get jobs(): number {
    return this.#jobs;
  }

  /** Jobs that have no value. */
  get without(): number {
    return this.#without;
  }

  /** The number of values that are counted separately. */
  get size(): number {
    return this.#groups.size;
  }

  /**
   * The groups with the most jobs, the largest first; equal ones by value.
   * @returns with the jobs of all other groups.
   */
  largest(limit: number): { readonly groups: readonly JobGroup[]; readonly others: number } {
    const sorted = [...this.#groups.values()].sort(
      (a, b) => b.count - a.count || (a.value < b.value ? -1 : a.value > b.value ? 1 : 0),
    );
    const others = sorted.slice(limit).reduce((sum, { count }) => sum + count, this.#others);
    return { groups: sorted.slice(0, limit), others };
  }

  #count(value: Json): void {
    const digest = value.length > maxValue ? sha256(value) : null;
    const key = digest ?? value;
    const known = this.#groups.get(key);
    if (known !== undefined) known.count += 1;
    else if (this.#groups.size >= maxGroups) this.#others += 1;
    else {
      const shown = digest === null ? value : JSON.stringify(value.slice(0, maxValue));
      this.#groups.set(key, { value: shown, digest, count: 1 });
    }
  }
}

function readerOf({ field, path }: FieldPlace, now: Millis): (job: JobRecord) => readonly Json[] {
  const definition = fields[field];
  switch (definition.kind) {
    case 'states':
      return ({ state }) => [JSON.stringify(stateName(state))];
    case 'flag':
    case 'number':
      return (job) => [String(definition.read(job))];
    case 'text':
      return (job) => definition.read(job).map((text) => JSON.stringify(text));
    case 'json':
      return (job) => {
        const document = definition.read(job, now);
        const value = document === null ? undefined : valueAt(document, [...definition.at, ...path]);
        return value === undefined ? [] : [value];
      };
    default:
      throw new Error(`Jobs are not counted by ${field}.`);
  }
}
