import fc from 'fast-check';
import { uuidFrom } from '../../src/index.ts';
import { entryText, errorText, type JobRecord, type Json, State, Terminal } from '../../src/job/index.ts';
import type { Vocabulary } from './conditions.ts';
import { jobOf, start } from './records.ts';

/** A document before it is text, so that nobody needs to read it to know what is in it. */
export type Tree =
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'number' | 'literal'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly Tree[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [name: string, value: Tree])[] };

export function treeText(tree: Tree): Json {
  switch (tree.kind) {
    case 'string':
      return stringText(tree.text);
    case 'list':
      return `[ ${tree.items.map(treeText).join(' , ')}]`;
    case 'object':
      return `{${tree.entries.map(([name, value]) => `${stringText(name)} :\n${treeText(value)}`).join(',')} }`;
    default:
      return tree.text;
  }
}

/** Strings of one letter are written as an escape. */
function stringText(text: string): Json {
  return text.length === 1 ? `"\\u${text.charCodeAt(0).toString(16).padStart(4, '0')}"` : JSON.stringify(text);
}

/** A job, and what a query can ask about it. */
export interface Sample {
  readonly job: JobRecord;
  readonly documents: { readonly args: Tree; readonly meta: Tree; readonly result: Tree | null };
  readonly errors: readonly { readonly code: string; readonly type: string; readonly message: string }[];
  readonly tags: readonly string[];
}

export const now = start + 1_000_000_000;
const dayMs = 86_400_000;

const word = fc.constantFrom('mail', 'Mail', 'ma', 'email.send', 'a', 'q1', '42', 'true', 'a b', uuidFrom(start, 1, 2));
const name = fc.constantFrom('a', 'b', '__proto__', 'a b');
const number = fc.constantFrom(
  ...['0', '-0.0', '1', '1.0e0', '2', '42', '4.2E1', '-1', '9007199254740992', '9007199254740993'],
  ...['9007199254740993.0', '0.1', '0.1000000000000000055511151231257827', '1e30', '10e29', '1e-30'],
);
const at = fc.oneof(
  fc.constantFrom(start, start + 1, start - 1, start + dayMs, now),
  fc.integer({ min: start - 3 * dayMs, max: now }),
);

/** Few values, so that conditions match often. */
export const tame: Vocabulary = {
  text: fc.oneof(word, fc.constant('')),
  name,
  number,
  at,
  length: fc.constantFrom(0, 1, -1, dayMs, -dayMs, now - start, start - now),
};

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    fc.record({ kind: fc.constant('string'), text: word }),
    fc.record({ kind: fc.constant('number'), text: number }),
    fc.record({ kind: fc.constant('literal'), text: fc.constantFrom('true', 'false', 'null') }),
    fc.record({ kind: fc.constant('list'), items: fc.array(tie('tree'), { maxLength: 3 }) }),
    fc.record({ kind: fc.constant('object'), entries: fc.array(fc.tuple(name, tie('tree')), { maxLength: 3 }) }),
  ),
}));

const error = fc.record({ code: word, type: word, message: word });
const maybe = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(one);

/** Jobs as the server leaves them: only a finished one has an end, only a discarded one is in the dead letter. */
export const sample: fc.Arbitrary<Sample> = fc
  .record({
    state: fc.constantFrom(...Object.values(State)),
    id: fc.constantFrom(uuidFrom(start, 1, 1), uuidFrom(start, 1, 2)),
    type: fc.constantFrom('a', 'email.send', 'mail'),
    queue: fc.constantFrom('q1', 'mail', '42'),
    attempt: fc.nat(2),
    priority: fc.integer({ min: -1, max: 2 }),
    times: fc.record({ createdAt: at, runAt: at, enqueuedAt: maybe(at), startedAt: maybe(at), finishedAt: at }),
    worker: maybe(word),
    cron: maybe(word),
    uniqueKey: maybe(word),
    workflow: maybe(word),
    deadLetter: fc.boolean(),
    args: fc.array(tree, { maxLength: 3 }),
    meta: fc.array(fc.tuple(name, tree), { maxLength: 3 }),
    result: maybe(tree),
    errors: fc.array(error, { maxLength: 2 }),
    tags: fc.array(word, { maxLength: 2 }),
  })
  .map(({ state, id, type, queue, times, workflow, deadLetter, args, meta, result, errors, tags, ...others }) => {
    const documents = {
      args: { kind: 'list' as const, items: args },
      meta: { kind: 'object' as const, entries: meta },
      result: state === State.completed ? result : null,
    };
    const history = errors.map((one) =>
      entryText({ kind: 'failed', at: start, attempt: 1, claim: 1 }, errorText({ ...one, names: [] }, 1, start)),
    );
    const job: JobRecord = {
      ...jobOf(),
      ...others,
      ...times,
      state,
      id,
      type,
      queue,
      finishedAt: (state & Terminal) === 0 ? null : times.finishedAt,
      node: workflow === null ? null : { workflow, index: 0 },
      deadLetter: state === State.discarded && deadLetter,
      envelope: `{"id":"${id}","args":${treeText(documents.args)},"meta":${treeText(documents.meta)},"result_ttl":-1,"tags":${JSON.stringify(tags)}}`,
      result: result === null ? null : treeText(result),
      history: history.join(','),
    };
    return { job, documents, errors, tags };
  });
