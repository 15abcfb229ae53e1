import { AllStates, stateNames } from '@ojs-ts/core/job';
import { type FieldName, fieldNamed, fieldNames, operatorsOf, queryFields, stateWords } from '@ojs-ts/core/query';

/** The part of a query at the caret, from `from` to `to`. */
export type Place = { readonly from: number; readonly to: number; readonly typed: string } & (
  | { readonly kind: 'term' }
  | { readonly kind: 'operator'; readonly field: FieldName }
  /** `name` is the field with its path. */
  | { readonly kind: 'value'; readonly field: FieldName; readonly name: string }
  /** Nothing is completed: a text in quotes, a word. */
  | { readonly kind: 'none' }
);

export interface Option {
  readonly label: string;
  readonly note?: string;
  /** The text that replaces the typed one. */
  readonly insert: string;
}

const path = String.raw`[\w-]+(?:\.(?:[\w-]*|"[^"]*")|\[\d*\]?)*`;
const value = new RegExp(String.raw`^-?(${path})\s*(:?[<>]=?|!=|[:=~])\s*(.*)$`, 's');
const name = new RegExp(`^-?(${path})$`);

/** Finds the place of the caret in a query. */
export function placeAt(text: string, caret: number): Place {
  const head = text.slice(0, caret);
  const begin = beginOfTerm(head);
  const term = head.slice(begin);
  const to = caret + (/^[^\s(),"]*/.exec(text.slice(caret))?.[0].length ?? 0);
  const asked = value.exec(term);
  if (asked !== null) {
    const [, named = '', , values = ''] = asked;
    const field = fieldNamed(/^\w+/.exec(named)?.[0] ?? '');
    const typed = values.slice(beginOfValue(values));
    if (field === undefined || /^".*"$/s.test(typed)) return { kind: 'none', from: caret, to: caret, typed: '' };
    return { kind: 'value', field, name: named, from: caret - typed.length, to, typed };
  }
  const named = name.exec(term)?.[1];
  if (named === undefined && term !== '' && term !== '-') return { kind: 'none', from: caret, to: caret, typed: '' };
  const typed = named ?? '';
  return { kind: 'term', from: caret - typed.length, to, typed };
}

/** Finds the start of the term that the text ends in. */
function beginOfTerm(text: string): number {
  let begin = 0;
  let isQuoted = false;
  for (let index = 0; index < text.length; index++) {
    const one = text.charAt(index);
    if (isQuoted) {
      if (one === '\\') index++;
      else if (one === '"') isQuoted = false;
    } else if (one === '"') isQuoted = true;
    else if (/[\s()]/.test(one) && !/[:=~<>,]\s*$/.test(text.slice(0, index + 1))) begin = index + 1;
  }
  return begin;
}

function beginOfValue(values: string): number {
  let begin = 0;
  let isQuoted = false;
  for (let index = 0; index < values.length; index++) {
    const one = values.charAt(index);
    if (isQuoted && one === '\\') index++;
    else if (one === '"') isQuoted = !isQuoted;
    else if (one === ',' && !isQuoted) begin = index + 1 + (/^\s*/.exec(values.slice(index + 1))?.[0].length ?? 0);
  }
  return begin;
}

const notes: Readonly<Record<FieldName, string>> = {
  id: 'the id of a job',
  state: 'active, or a word such as failed',
  queue: 'the name of a queue',
  type: 'email.send, or a part as email.*',
  tag: 'a tag of the job',
  worker: 'the id of its worker',
  workflow: 'the id of its workflow',
  cron: 'the cron that made it',
  unique: 'holds a unique key: unique:*',
  limit: 'the key of a limit',
  error: 'a part of its last error: error~timeout',
  fingerprint: 'errors of one kind',
  message: 'the message of its last error',
  text: 'a part of any of its texts',
  attempts: 'how often it has run',
  priority: 'a number',
  dead: 'in the dead letter: true or false',
  created: 'since a time: created>-1h',
  enqueued: 'since a time',
  scheduled: 'until a time',
  started: 'since a time',
  finished: 'since a time',
  age: 'how old it is: age<2h',
  args: 'an argument: args[0]:42, args[0].user:42',
  meta: 'a value in meta: meta.tenant:acme',
  result: 'a value of its result: result.id:7',
};

const operatorNotes: Readonly<Record<string, string>> = {
  ':': 'is',
  '!=': 'is not',
  '~': 'contains',
  '<': 'less than',
  '<=': 'at most',
  '>': 'more than',
  '>=': 'at least',
};

const times = ['-15m', '-1h', '-24h', '-7d', 'now'];
const ages = ['5m', '1h', '24h', '7d'];

export interface Known {
  /** Values that jobs have in the field, with how many jobs, where the server was asked. */
  readonly values: readonly { readonly text: string; readonly count: number }[];
  /** Paths that the jobs of the list have in `meta` and `args`, as a query writes them. */
  readonly paths: readonly string[];
}

/** The options for the place, the likeliest first. */
export function optionsAt(place: Place, { values, paths }: Known): readonly Option[] {
  const { typed } = place;
  if (place.kind === 'none') return [];
  if (place.kind === 'operator') return operators(place.field);
  if (place.kind === 'term') {
    const field = fieldNamed(typed);
    const { kind } = field === undefined ? { kind: null } : queryFields[field];
    return [
      ...(field === undefined || kind === 'json'
        ? []
        : operators(field).map((one) => ({ ...one, insert: typed + one.insert }))),
      ...fieldNames()
        // A field of JSON stays when it is written out: its path comes next.
        .filter((one) => one.startsWith(typed.toLowerCase()) && (one !== field || kind === 'json'))
        .map((one) => ({ label: one, note: notes[one], insert: one + firstOperator(one) })),
      ...paths
        // Who writes `customer` looks for `args[0].customer`.
        .filter((one) => one !== typed && (one.startsWith(typed) || (typed !== '' && lastName(one).startsWith(typed))))
        .map((one) => ({ label: one, note: 'of these jobs', insert: `${one}:` })),
    ];
  }
  const { kind } = queryFields[place.field];
  const texts: readonly (readonly [string, string?])[] =
    kind === 'states'
      ? [
          ...stateNames(AllStates).map((one) => [one] as const),
          ...Object.entries(stateWords).map(([word, mask]) => [word, stateNames(mask).join(', ')] as const),
        ]
      : kind === 'flag'
        ? [['true'], ['false']]
        : kind === 'time'
          ? times.map((one) => [one])
          : kind === 'age'
            ? ages.map((one) => [one])
            : values.map(({ text, count }) => [text, `${count} ${count === 1 ? 'job' : 'jobs'}`]);
  const part = typed.replace(/^"/, '').toLowerCase();
  const fits = texts.filter(([text]) => text.toLowerCase().includes(part) && text !== typed);
  return [...fits]
    .sort(([one], [other]) => Number(other.startsWith(part)) - Number(one.startsWith(part)))
    .map(([text, note]) => ({ label: text, insert: `${quotedValue(text)} `, ...(note !== undefined && { note }) }));
}

function lastName(path: string): string {
  return /[^.[\]]*$/.exec(path)?.[0] ?? '';
}

function operators(field: FieldName): readonly Option[] {
  return operatorsOf[queryFields[field].kind].map((one) => ({
    label: one,
    insert: one,
    ...(operatorNotes[one] !== undefined && { note: operatorNotes[one] }),
  }));
}

/** The text that most often follows a field; nothing after one that needs a path first. */
function firstOperator(field: FieldName): string {
  const { kind } = queryFields[field];
  if (kind === 'json') return field === 'args' ? '[' : field === 'meta' ? '.' : '';
  if (kind === 'time') return '>';
  return operatorsOf[kind][0];
}

/** A value as a query writes it: in quotes where it would end early or mean something else. */
export function quotedValue(text: string): string {
  return /[\s()",*\\]/.test(text) || /^(?:[:=<>~']|!=)|^$/.test(text) ? JSON.stringify(text) : text;
}
