import { ProtocolError, type ValidationIssue } from '../errors.ts';
import type { Json } from '../job/job.ts';
import { isObject, readJson } from '../json/json.ts';
import { isDotSegment } from '../names.ts';

/**
 * Names that a store keeps and compares. Some stores cannot hold U+0000 or half of a surrogate pair, so all storages
 * refuse them.
 */
const identifier = /^[^\p{Cc}]+$/u;

export type Body = Readonly<Record<string, unknown>>;

/**
 * Reads the fields of a request body and collects every issue before it refuses the body. Null counts as absent
 * (ojs-json-format §14.2).
 */
export class Fields {
  readonly body: Body;
  /** JSONPath of the body. */
  readonly path: string;
  readonly #issues: ValidationIssue[];

  constructor(body: Body, at = '$', issues: ValidationIssue[] = []) {
    this.body = body;
    this.path = at;
    this.#issues = issues;
  }

  /**
   * Parses a body that must be a JSON object. Throws `invalid_payload`.
   * @param parsed its value, if it was parsed before.
   */
  static parse(text: string | undefined, parsed?: unknown): Body {
    const value = parsed ?? readJson(requireBody(text), 'The request body');
    if (!isObject(value))
      throw new ProtocolError('invalid_payload', `The request body is ${kindOfValue(value)}; expected a JSON object.`);
    return value;
  }

  /** Throws `invalid_request` with all issues, if there are any. */
  done(): void {
    if (this.#issues.length > 0) throw ProtocolError.invalid(this.#issues);
  }

  string(name: string, max = 255): string | null {
    const value = this.#get(name);
    if (value === undefined) return null;
    if (typeof value === 'string' && value.length <= max && identifier.test(value) && value.isWellFormed())
      return value;
    return this.#wrong(
      name,
      `must be a non-empty string of at most ${max} characters, ` +
        'none of them a control character or half a surrogate pair',
      value,
    );
  }

  /** A name that may be a segment of a path. */
  pathName(name: string): string | null {
    return this.#undotted(name, this.string(name));
  }

  requiredPathName(name: string): string {
    return this.#undotted(name, this.requiredString(name)) ?? '';
  }

  #undotted(name: string, value: string | null): string | null {
    if (value === null || !isDotSegment(value)) return value;
    this.issue(name, 'must not be . or .., which mean another path; choose another name');
    return null;
  }

  requiredString(name: string, max = 255): string {
    if (this.#get(name) === undefined) this.#wrong(name, 'is required', undefined);
    return this.string(name, max) ?? '';
  }

  /** A whole number in a range; with `clamp` a larger number counts as `max`. */
  integer(name: string, min: number, max: number, clamp = false): number | null {
    const value = this.#get(name);
    if (value === undefined) return null;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && (clamp || value <= max))
      return Math.min(value, max);
    return this.#wrong(
      name,
      clamp ? `must be a whole number of at least ${min}` : `must be a whole number from ${min} to ${max}`,
      value,
    );
  }

  boolean(name: string): boolean | null {
    const value = this.#get(name);
    if (value === undefined || typeof value === 'boolean') return value ?? null;
    return this.#wrong(name, 'must be true or false', value);
  }

  object(name: string): Fields | null {
    const value = this.#get(name);
    if (value === undefined) return null;
    if (isObject(value)) return new Fields(value, `${this.path}.${name}`, this.#issues);
    return this.#wrong(name, 'must be an object', value);
  }

  strings(name: string, max: number): readonly string[] | null {
    const value = this.#get(name);
    if (value === undefined) return null;
    if (Array.isArray(value) && value.length <= max && value.every((item) => typeof item === 'string')) return value;
    return this.#wrong(name, `must be an array of at most ${max} strings`, value);
  }

  objects(name: string, max: number): readonly Body[] {
    const value = this.#get(name);
    if (value === undefined) return [];
    if (!Array.isArray(value) || value.length > max) {
      this.#wrong(name, `must be an array of at most ${max} objects`, value);
      return [];
    }
    if (value.every(isObject)) return value;
    value.forEach((item: unknown, index) => {
      if (!isObject(item)) this.#wrong(`${name}[${index}]`, 'must be an object', item);
    });
    return [];
  }

  /** As {@link objects}, each to be read as fields of its own; their issues are those of this body. */
  items(name: string, max: number): readonly Fields[] {
    return this.objects(name, max).map(
      (item, index) => new Fields(item, `${this.path}.${name}[${index}]`, this.#issues),
    );
  }

  has(name: string): boolean {
    return this.#get(name) !== undefined;
  }

  raw(name: string): unknown {
    return this.#get(name);
  }

  issue(name: string, message: string): void {
    this.#issues.push({ path: `${this.path}.${name}`, message });
  }

  #get(name: string): unknown {
    return Object.hasOwn(this.body, name) ? (this.body[name] ?? undefined) : undefined;
  }

  #wrong(name: string, message: string, value: unknown): null {
    this.issue(name, value === undefined ? message : `${message}, but is ${kindOfValue(value)}`);
    return null;
  }
}

/** The refusal of one value. */
export function wrongValue(path: string, message: string): ProtocolError {
  return ProtocolError.invalid([{ path, message }]);
}

/** @throws ProtocolError `invalid_payload` */
export function requireBody(body: Json | undefined): Json {
  if (body === undefined || body === '')
    throw new ProtocolError('invalid_payload', 'The request body is empty; expected a JSON object.');
  return body;
}

/** The kind of a wrong value, without the value, which may be private. */
export function kindOfValue(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'string') return value === '' ? 'an empty string' : `a string of ${value.length} characters`;
  return typeof value === 'object' ? 'an object' : `${value}`;
}
