/** The words in which the schemas of answers are written, and the objects that several answers have. */

import { type ErrorCode, type ErrorKind, errorKinds } from '../../errors.ts';
import { State, type StateName } from '../../job/states.ts';
import { type Static, type TProperties, type TSchema, Type } from '../type.ts';

/** The type of a schema. An answer is only read, so it is readonly at every depth. */
export type Of<Schema extends TSchema> = Read<Static<Schema>>;
type Read<T> = T extends object ? { readonly [Name in keyof T]: Read<T[Name]> } : T;

const about = (description?: string) => (description === undefined ? {} : { description });

export const text = (description?: string) => Type.String(about(description));
export const time = (description?: string) => Type.String({ format: 'date-time', ...about(description) });
export const duration = () => text('An ISO 8601 duration.');
export const number = (description?: string) => Type.Number(about(description));
export const count = (description?: string) => Type.Integer({ minimum: 0, ...about(description) });
export const flag = (description?: string) => Type.Boolean(about(description));
/** Any JSON, such as the arguments of a job. */
export const json = (description?: string) => Type.Unknown(about(description));
export const yes = (description?: string) => Type.Literal(true, about(description));
export const oneOf = Type.Enum;
export const list = Type.Array;
export const maybe = Type.Optional;
export const orNull = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);
export const object = Type.Object;

/** An object whose members have any names. */
export const mapOf = Type.Record;

/** A schema with a name is a component of the OpenAPI document, under this name. */
export function named<Members extends TProperties>(title: string, members: Members) {
  return Type.Object(members, { title });
}

/** The same for an object that may have members besides these. */
export function open<Members extends TProperties>(title: string, members: Members) {
  return Type.Object(members, { title, additionalProperties: true });
}

/** Members of the same schema. */
export function each<Schema extends TSchema, Name extends string>(schema: Schema, ...names: readonly Name[]) {
  return Object.fromEntries(names.map((name) => [name, schema])) as Record<Name, Schema>;
}

export const Warning = Type.Union(
  [
    object({ path: text(), message: text(), suggestion: orNull(text()) }),
    text('A sentence about a schema in the mode warn.'),
  ],
  { title: 'Warning', description: 'Something in the request that has no effect.' },
);
const warnings = maybe(list(Warning));

/** The whole answer to a call, which ends with the warnings about the request, if there are any. */
export function answer<Members extends TProperties>(members: Members) {
  return Type.Object({ ...members, warnings });
}

export const JobState = Type.Unsafe<StateName>({ title: 'JobState', type: 'string', enum: Object.keys(State) });

/** `pagination` of a list. */
export const Page = named('Page', {
  ...each(count(), 'total', 'limit', 'offset', 'page', 'per_page'),
  has_more: flag(),
  next_cursor: maybe(text('The cursor of the next page.')),
  count: count('Items of this page.'),
  total_exact: maybe(flag('False if the total is what was seen so far.')),
});
export type Pagination = Of<typeof Page>;
/** `pagination` of a list that is not counted. */
export const Cursor = named('Cursor', { limit: count(), has_more: flag(), next_cursor: maybe(text()) });

export const Search = named('Search', {
  scanned: count('How many jobs this page has read.'),
  of: maybe(count('How many jobs all pages read, if the server knows.')),
  complete: flag(),
  plan: text(),
});
export type Search = Of<typeof Search>;

const capitals = Object.values(errorKinds).flatMap((kind: ErrorKind) => kind.wire ?? []);
export const ErrorBody = open('Error', {
  code: text(`In lower case, but for ${capitals.join(', ')}.`),
  type: Type.Unsafe<ErrorCode>({ type: 'string', enum: Object.keys(errorKinds) }),
  retryable: flag('Whether the same call may succeed later.'),
  hint: text('How to solve it.'),
  ...each(text(), 'message', 'request_id', 'docs_url', 'canonical_code', 'ojs_code'),
  details: mapOf(json()),
});
export const ErrorAnswer = named('ErrorAnswer', { error: ErrorBody });

export const Rate = named('Rate', { limit: count(), period: duration() });
