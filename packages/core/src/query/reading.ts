import type { JobRecord } from '../job/job.ts';
import { valuesAt } from '../json/json.ts';
import type { Millis } from '../time/clock.ts';
import { type FieldOf, fields } from './fields.ts';
import { JsonValue } from './json-value.ts';

type TextField = FieldOf<'text' | 'everything'>;

/** A value within a document of a job. */
interface Place {
  readonly field: FieldOf<'json'>;
  readonly path: readonly (string | number)[];
  /** Another one for each other place. */
  readonly key: string;
}

/** The texts that the terms of a query read of one job: each once, however many terms search it. */
export class Reading {
  readonly #now: Millis;
  #job: JobRecord | null = null;
  readonly #texts = new Map<TextField, readonly string[]>();
  readonly #lower = new Map<TextField, readonly string[]>();
  readonly #values = new Map<string, JsonValue | null>();
  /** Every place that the terms ask for: a document is read once for all of them. */
  readonly #places = new Map<Place['field'], Place[]>();

  constructor(now: Millis) {
    this.#now = now;
  }

  texts(job: JobRecord, field: TextField): readonly string[] {
    this.#turnTo(job);
    return madeOnce(this.#texts, field, () => fields[field].read(job));
  }

  /** The texts in lower case. */
  lower(job: JobRecord, field: TextField): readonly string[] {
    this.#turnTo(job);
    return madeOnce(this.#lower, field, () => this.texts(job, field).map((text) => text.toLowerCase()));
  }

  /** Announces a place, before {@link value} is asked for it. */
  note(place: Place): void {
    const places = this.#places.get(place.field) ?? [];
    this.#places.set(place.field, places);
    if (!places.some(({ key }) => key === place.key)) places.push(place);
  }

  /** Null where the job has no such value. */
  value(job: JobRecord, { field, key }: Place): JsonValue | null {
    this.#turnTo(job);
    if (!this.#values.has(key)) this.#readPlaces(job, field);
    return this.#values.get(key) ?? null;
  }

  #readPlaces(job: JobRecord, field: Place['field']): void {
    const { read, at } = fields[field];
    const document = read(job, this.#now);
    const places = this.#places.get(field) ?? [];
    const texts =
      document === null
        ? []
        : valuesAt(
            document,
            places.map(({ path }) => [...at, ...path]),
          );
    for (const [index, { key }] of places.entries()) {
      const text = texts[index];
      this.#values.set(key, text === undefined ? null : new JsonValue(text));
    }
  }

  #turnTo(job: JobRecord): void {
    if (job === this.#job) return;
    this.#job = job;
    this.#texts.clear();
    this.#lower.clear();
    this.#values.clear();
  }
}

function madeOnce<Key, Value>(made: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = made.get(key);
  if (known !== undefined) return known;
  const value = make();
  made.set(key, value);
  return value;
}
