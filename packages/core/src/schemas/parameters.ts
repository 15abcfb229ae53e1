import { expectedQueueName, isQueueName } from '../names.ts';
import { didYouMean } from '../suggestion.ts';
import { checked, confirmMember, moment, olderThanMember, statesMembers, subjectMembers } from './members.ts';
import { type TSchema, Type } from './type.ts';

/** Parameters of a query as JSON Schema. All may be left out. */
export type Parameters = Readonly<Record<string, TSchema & { readonly description?: string }>>;

/** Any text: the one that asks for it has its own reader. */
export const text = (description: string) => checked(() => true, 'a text', { description });
/** Numbers of a page are read together. */
export const whole = (description: string) => ({ ...text(description), type: 'integer' });
const flags: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false };
export const flag = (description: string) =>
  Type.Read(
    { type: 'boolean', description },
    (given) => `must be true or false.${didYouMean(String(given), ['true', 'false'])}`,
    (given) => (Object.hasOwn(flags, String(given)) ? flags[String(given)] : null),
  );
export const word = <const Name extends string>(description: string, ...names: readonly Name[]) =>
  Type.Enum(names, { type: 'string', description });

export const limit = whole('The most items of one page. A larger number counts as the maximum.');
export const afterPage = () =>
  Type.Read(
    { type: 'integer', minimum: 0, description: 'The `next` of the page before.' },
    'must be the `next` of the page before, a whole number',
    (given) => (/^\d{1,9}$/.test(String(given)) ? Number(given) : null),
  );
export const cursor = text('The `next_cursor` of the page before.');
export const page = {
  limit,
  offset: whole('Items to skip.'),
  cursor,
  page: whole('Number of the page, from 1.'),
  per_page: whole('Another name of `limit`.'),
} satisfies Parameters;

export const span = {
  since: moment('Only what was created or ended at this RFC 3339 time or later.'),
  until: moment('Only what was created or ended before this RFC 3339 time.'),
} satisfies Parameters;
export const subject = subjectMembers() satisfies Parameters;
export const queue = checked(isQueueName, expectedQueueName, { description: 'Only jobs of this queue.' });
export const states = statesMembers() satisfies Parameters;
export const order = {
  sort: word('What the list is ordered by.', 'created_at', 'scheduled_at', 'priority'),
  order: word('Direction of the list, `desc` by default.', 'asc', 'desc'),
} satisfies Parameters;
export const query = text('A filter in the query language.');
export const olderThan = olderThanMember();
export const confirm = confirmMember();
/** For calls that would create what they name. */
export const create = {
  create: flag('For an unknown name: `true` creates it, `false` refuses the call. Without it, the answer warns.'),
} satisfies Parameters;
export const force = { force: flag('Whether to do what the server refuses otherwise.') } satisfies Parameters;
