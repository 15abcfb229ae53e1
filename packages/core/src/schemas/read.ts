import { type Fields, kindOfValue } from '../requests/fields.ts';
import { didYouMean } from '../suggestion.ts';
import type { Millis } from '../time/clock.ts';
import { type Reads, reads, type TSchema } from './type.ts';

/** The keywords that a value is checked by. */
interface Keywords extends TSchema {
  readonly [reads]?: Reads;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Keywords[];
  readonly properties?: Readonly<Record<string, Keywords>>;
  readonly required?: readonly string[];
  readonly items?: Keywords;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

/**
 * The members of an object that its schema has, as the schema reads them. A null is left out, unless the schema has it.
 * A wrong value becomes an issue of the fields, and is left out as well: the caller ends with `fields.done()`.
 */
export function readMembers<T>(fields: Fields, schema: TSchema<T> & Keywords, now: Millis): T {
  const { properties = {}, required = [] }: Keywords = schema;
  const read: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(properties)) {
    const isNull = fields.body[name] === null && member.anyOf?.some(({ type }) => type === 'null') === true;
    const value = isNull ? null : readMember(fields, name, member, now);
    if (isNull || (value !== null && value !== undefined)) read[name] = value;
    else if (value === undefined && required.includes(name)) fields.issue(name, messageOf(member, undefined));
  }
  return read as T;
}

/** Null for a wrong value, undefined for none. A value that has several types, or any, is left as it is. */
function readMember(fields: Fields, name: string, member: Keywords, now: Millis): unknown {
  const given = fields.raw(name);
  if (given === undefined || (given === '' && member.minLength === 0)) return undefined;
  if (member[reads] || member.enum) return readOne(fields, name, member, given, now);
  const [one = member, other] = (member.anyOf ?? [member]).filter(({ type }) => type !== 'null');
  if (other !== undefined) return given;
  switch (one.type) {
    case 'string':
      return fields.string(name, one.maxLength);
    case 'integer':
      return fields.integer(name, one.minimum ?? 0, one.maximum ?? Number.MAX_SAFE_INTEGER, one.maximum === undefined);
    case 'boolean':
      return fields.boolean(name);
    case 'array':
      return readItems(fields, name, one, now);
    case 'object': {
      const nested = fields.object(name);
      return nested === null || one.properties === undefined ? (nested?.body ?? null) : readMembers(nested, one, now);
    }
    default:
      return given;
  }
}

function readOne(fields: Fields, name: string, schema: Keywords, given: unknown, now: Millis): unknown {
  const { [reads]: own, enum: known } = schema;
  const value = own ? own.read(given, now) : known?.includes(given) ? given : null;
  if (value === null) fields.issue(name, messageOf(schema, given));
  return value;
}

function messageOf(schema: Keywords, given: unknown): string {
  const { message } = schema[reads] ?? {};
  if (message !== undefined) return typeof message === 'string' ? message : message(given);
  const known = schema.enum?.map(String);
  if (known === undefined || given === undefined) return 'is required';
  // An object may have a member `toString`, so no other value becomes a text.
  const meant = typeof given === 'string' ? didYouMean(given, known) : '';
  return `must be ${known.length === 1 ? '' : 'one of '}${known.join(', ')}.${meant}`;
}

function readItems(fields: Fields, name: string, schema: Keywords, now: Millis): unknown {
  const { items = {}, minItems = 0, maxItems = 10_000 } = schema;
  if (items.type === undefined && items.enum === undefined) {
    const given = fields.raw(name);
    if (Array.isArray(given)) return given;
    fields.issue(name, `must be an array, but is ${kindOfValue(given)}`);
    return null;
  }
  const texts = fields.strings(name, maxItems);
  if (texts === null) return null;
  const of = items.enum ? ` of ${items.enum.join(', ')}` : ' item';
  if (texts.length < minItems) fields.issue(name, `must have at least one${of}`);
  if (items[reads] === undefined && items.enum === undefined) return texts;
  return texts.map((text, index) => readOne(fields, `${name}[${index}]`, items, text, now));
}
