import {
  type ErrorGroup,
  type ErrorGroups,
  type ErrorQuery,
  errorGroup,
  Failed,
  mostFrequent,
  type State,
  State as States,
} from '@ojs-ts/core/job';
import { isAbsent, listOf, number, text, textOrNull } from './connection/packed.ts';
import type { Scripts } from './connection/scripts.ts';

/** Groups that one script counts, about 2 ms. */
const groupsAtOnce = 1_000;
/** Histories that are read at once: each may have a megabyte. */
const historiesAtOnce = 16;

/** The errors of a namespace with one fingerprint: see lua/lib/errors.lua. */
interface Counted {
  count: number;
  readonly groups: string[];
}

/** The groups of one namespace by fingerprint. */
export type CountedErrors = ReadonlyMap<string, Counted>;

export async function countErrors(scripts: Scripts, query: ErrorQuery): Promise<CountedErrors> {
  const { states, deadLetter, queue, type } = query;
  const counted = new Map<string, Counted>();
  for (let after: string | undefined; ; ) {
    const request = { after, limit: groupsAtOnce, states: states & Failed, deadLetter, queue, type };
    const [found, last] = listOf(await scripts.exchange('error_groups', request));
    const cells = listOf(found);
    for (let at = 0; at < cells.length; at += 2) {
      const group = text(cells[at]);
      const fingerprint = group.slice(0, group.indexOf(' '));
      const entry = counted.get(fingerprint) ?? { count: 0, groups: [] };
      entry.count += number(cells[at + 1]);
      entry.groups.push(group);
      counted.set(fingerprint, entry);
    }
    if (last === false) return counted;
    after = text(last);
  }
}

/** The histories of the first and the last job of each state, by fingerprint. */
export async function endsOf(scripts: Scripts, { groups }: Counted): Promise<readonly string[]> {
  const found = listOf(await scripts.exchange('error_ends', groups)).map(listOf);
  const ids: string[] = [];
  for (const state of [States.retryable, States.discarded]) {
    const those = found.filter((_, at) => stateOf(groups[at] ?? '') === state);
    const places = [0, 1].map((end) =>
      those.flatMap((ends) => {
        const place = ends[end];
        return isAbsent(place) ? [] : [placeOf(listOf(place))];
      }),
    );
    const [firsts = [], lasts = []] = places;
    const first = firsts.reduce<End | null>((best, end) => (best === null || isBefore(end, best) ? end : best), null);
    const last = lasts.reduce<End | null>((best, end) => (best === null || isBefore(best, end) ? end : best), null);
    for (const end of [first, last]) if (end !== null) ids.push(end.id);
  }
  const histories = listOf(await scripts.exchange('histories', ids));
  return histories.flatMap((history) => textOrNull(history) ?? []);
}

interface End {
  readonly score: number;
  readonly number: number;
  readonly id: string;
}

function placeOf([score, created, id]: ReturnType<typeof listOf>): End {
  return { score: number(score), number: number(created), id: text(id) };
}

function isBefore(a: End, b: End): boolean {
  return a.score < b.score || (a.score === b.score && a.number < b.number);
}

function stateOf(group: string): State {
  return group.split(' ')[1] === String(States.retryable) ? States.retryable : States.discarded;
}

/** The answer from what each namespace has counted; `histories` reads from one of them. */
export async function groupErrors(
  { limit }: ErrorQuery,
  namespaces: readonly CountedErrors[],
  histories: (namespace: number, counted: Counted) => Promise<readonly string[]>,
): Promise<ErrorGroups> {
  const counts = new Map<string, number>();
  for (const counted of namespaces)
    for (const [fingerprint, { count }] of counted) counts.set(fingerprint, (counts.get(fingerprint) ?? 0) + count);
  const { most, ...sums } = mostFrequent(counts, limit);
  const groups: ErrorGroup[] = [];
  for (let from = 0; from < most.length; from += historiesAtOnce) {
    const part = await Promise.all(
      most.slice(from, from + historiesAtOnce).map(async ([fingerprint, count]) => {
        const read = await Promise.all(
          namespaces.map((counted, at) => {
            const here = counted.get(fingerprint);
            return here === undefined ? [] : histories(at, here);
          }),
        );
        return errorGroup(fingerprint, count, read.flat());
      }),
    );
    groups.push(...part.filter((group) => group !== null));
  }
  return { groups, ...sums };
}

export async function errors(scripts: Scripts, query: ErrorQuery): Promise<ErrorGroups> {
  return groupErrors(query, [await countErrors(scripts, query)], (_, counted) => endsOf(scripts, counted));
}
