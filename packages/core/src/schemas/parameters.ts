/** A parameter of a query as JSON Schema. */
export interface Parameter {
  readonly type: 'string' | 'integer' | 'boolean';
  readonly description: string;
  readonly enum?: readonly string[];
}

export type Parameters = Readonly<Record<string, Parameter>>;

export const text = (description: string): Parameter => ({ type: 'string', description });
export const whole = (description: string): Parameter => ({ type: 'integer', description });
export const flag = (description: string): Parameter => ({ type: 'boolean', description });
export const word = (description: string, ...names: readonly string[]): Parameter => ({
  type: 'string',
  description,
  enum: names,
});

export const limit = whole('The most items of one page. A larger number counts as the maximum.');
export const cursor = text('The `next_cursor` of the page before.');
export const page = {
  limit,
  offset: whole('Items to skip.'),
  cursor,
  page: whole('Number of the page, from 1.'),
  per_page: whole('Another name of `limit`.'),
} satisfies Parameters;

const since = text('Only what was created or ended at this RFC 3339 time or later.');
const until = text('Only what was created or ended before this RFC 3339 time.');
export const span = { since, until } satisfies Parameters;
/** Members of every filter of jobs. */
export const subject = {
  queue: text('Only jobs of this queue.'),
  type: text('Only jobs of this type; `email.*` is a prefix.'),
  job_type: text('Another name of `type`.'),
  error_type: text('Only jobs whose last error has this type.'),
  fingerprint: text('Only jobs whose last error has this fingerprint.'),
  args: text('Only jobs that have this text in their arguments.'),
  ...span,
} satisfies Parameters;
export const states = {
  state: text('Only jobs in this state; several are separated by commas.'),
  states: text('Another name of `state`.'),
} satisfies Parameters;
export const order = {
  sort: text('`created_at`, `scheduled_at` or `priority`.'),
  order: word('Direction of the list, `desc` by default.', 'asc', 'desc'),
} satisfies Parameters;
export const query = text('A filter in the query language.');
export const olderThan = text('Only jobs that ended before: an RFC 3339 time, or an ISO 8601 duration back from now.');
export const confirm = flag('Must be true, because the call changes every job that matches.');
/** For calls that would create what they name. */
export const create = {
  create: flag('For an unknown name: `true` creates it, `false` refuses the call. Without it, the answer warns.'),
} satisfies Parameters;
export const force = { force: flag('Whether to do what the server refuses otherwise.') } satisfies Parameters;
