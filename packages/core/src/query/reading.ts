import type { JobRecord } from '../job/job.ts';
import { valueAt } from '../json/json.ts';
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

/** What the terms of a query read of one job: each text once, however many terms search it. */
export class Reading {
  readonly #now: Millis;
  #job: JobRecord | null = null;
  readonly #texts = new Map<TextField, readonly string[]>();
  readonly #lower = new Map<TextField, readonly string[]>();
  readonly #values = new Map<string, JsonValue | null>();

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

  /** Null where the job has no such value. */
  value(job: JobRecord, { field, path, key }: Place): JsonValue | null {
    this.#turnTo(job);
    return madeOnce(this.#values, key, () => {
      const { read, at } = fields[field];
      const document = read(job, this.#now);
      const text = document === null ? undefined : valueAt(document, [...at, ...path]);
      return text === undefined ? null : new JsonValue(text);
    });
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
