import { uuidv7 } from '@ojs-ts/core';
import { isArray, isObject, type JsonObject, type JsonValue } from './json.ts';
import { lookup } from './jsonpath.ts';

export interface StepResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** Undefined if the text is not JSON. */
  readonly body: JsonValue | undefined;
  readonly elapsedMs: number;
}

const reference = /\{\{\s*([^{}]+?)\s*\}\}/g;
const whole = /^\{\{\s*([^{}]+?)\s*\}\}$/;

/**
 * The values that templates can name in one run of a case: answers of its steps, captures, and values made for this
 * run.
 */
export class Scope {
  readonly #steps = new Map<string, StepResponse>();
  readonly #names = new Map<string, JsonValue>();

  constructor(unique: string) {
    this.#names.set('unique', unique);
  }

  record(step: string, response: StepResponse): void {
    this.#steps.set(step, response);
  }

  capture(name: string, value: JsonValue): void {
    this.#names.set(name, value);
  }

  /** `{ steps: { ID: { response: { status, headers, body } } } }`, the root that `equality` paths start from. */
  root(): JsonObject {
    const steps = [...this.#steps].map(([id, response]) => [id, { response: wire(response) }] as const);
    return { steps: Object.fromEntries(steps) };
  }

  /** The value of a reference; undefined if nothing has that name. */
  value(name: string): JsonValue | undefined {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    if (name.startsWith('steps.')) {
      const [, id = '', rest = ''] = /^steps\.([^.]+)\.response\.(.+)$/.exec(name) ?? [];
      const response = this.#steps.get(id);
      return response && lookup(wire(response), `$.${rest}`);
    }
    const made = make(name);
    if (made !== undefined) this.#names.set(name, made);
    return made;
  }

  /** Replaces every reference. An unknown reference stays as text (reference, "Scoping Rules"). */
  fill(text: string): string {
    return text.replace(reference, (all, name: string) => {
      const value = this.value(name);
      if (value === undefined) return all;
      return typeof value === 'string' ? value : JSON.stringify(value);
    });
  }

  /** The value of a string that is exactly one reference, with its own type. */
  only(text: string): JsonValue | undefined {
    const name = whole.exec(text)?.[1];
    return name === undefined ? undefined : this.value(name);
  }

  /** Replaces the references in every string of a value. */
  fillAll(value: JsonValue): JsonValue {
    if (typeof value === 'string') return this.fill(value);
    if (isArray(value)) return value.map((item) => this.fillAll(item));
    return isObject(value)
      ? Object.fromEntries(Object.entries(value).map(([key, item]) => [this.fill(key), this.fillAll(item)]))
      : value;
  }

  /** A request body: references replaced, `$fill` and `$repeat` expanded, `$value` with its own type. */
  build(value: JsonValue): JsonValue {
    if (isArray(value)) return value.map((item) => this.build(item));
    if (!isObject(value)) return this.fillAll(value);
    if (typeof value.$fill === 'number') return 'x'.repeat(value.$fill);
    if (typeof value.$value === 'string') return this.only(value.$value) ?? value.$value;
    if (isObject(value.$repeat)) {
      const { times, item } = value.$repeat;
      return Array.from({ length: Number(times) }, () => this.build(item ?? null));
    }
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [this.fill(key), this.build(item)]));
  }
}

function wire({ status, headers, body }: StepResponse): JsonObject {
  return body === undefined ? { status, headers } : { status, headers, body };
}

/** `uuid:NAME` is an id, `time:+MS` or `time:+MS@+02:00` an instant from now. Both stay the same within a run. */
function make(name: string): JsonValue | undefined {
  if (name.startsWith('uuid:')) return uuidv7();
  const [, offset, zone = '+00:00'] = /^time:([+-]\d+)(?:@([+-]\d{2}:\d{2}))?$/.exec(name) ?? [];
  if (offset === undefined) return undefined;
  const at = Date.now() + Number(offset);
  if (zone === '+00:00') return new Date(at).toISOString();
  const sign = zone.startsWith('-') ? -1 : 1;
  const minutes = sign * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4)));
  return new Date(at + minutes * 60_000).toISOString().replace('Z', zone);
}
