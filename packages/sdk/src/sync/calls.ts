import { type ClientRows, clientRows } from '../client/client.ts';
import type { CallOptions } from '../job/options.ts';
import { nextPage, type Page, type PageOf, type PageOptions, type PageQuery } from '../operations/page.ts';
import type { Arguments, Taken } from '../operations/row.ts';
import { getWorkflow, rerunWorkflow } from '../workflow/calls.ts';
import type { SyncCallOptions } from './connection.ts';

/** The part of a list to return. */
export interface SyncPageOptions extends Omit<PageOptions, 'signal'> {}

const ownRows = {
  /** Reads a workflow and its steps. @throws {JobNotFoundError} */
  getWorkflow,
  /**
   * Starts a new workflow with the same steps and arguments as this one. The server of this project has this operation,
   * others answer `not_found`. @throws {JobNotFoundError}
   */
  rerunWorkflow,
};

/** The methods of `Client` whose blocking form differs by options and answer alone. */
export const syncRows: ClientRows & typeof ownRows = { ...clientRows, ...ownRows };

/** The methods that the rows describe, in their blocking form. Editors show the docstrings of the rows. */
export type Blocking<Table> = { [Name in keyof Table]: BlockingMethod<Taken<Table[Name]>> };

type BlockingMethod<T> = T extends {
  args: infer Args extends readonly unknown[];
  options: infer Options;
  answer: infer Answer;
}
  ? (...args: Arguments<Args, BlockingOptions<Options>>) => BlockingAnswer<Answer>
  : never;

/** Options without their `signal`, because nothing could abort a thread that waits. */
type BlockingOptions<Options> = keyof Options extends keyof CallOptions
  ? SyncCallOptions
  : keyof Options extends keyof PageOptions
    ? SyncPageOptions
    : Omit<Options, 'signal'>;

type BlockingAnswer<Answer> = [Answer] extends [Page<infer T>] ? SyncPage<T> : Answer;

/** One page of a list. Iterating blocks while it loads the following pages. */
export interface SyncPage<T> extends PageOf<T>, Iterable<T> {}

/** Loads the page, and the following ones on iteration. */
export function openPage<T>(query: PageQuery, load: (query: PageQuery) => PageOf<T>): SyncPage<T> {
  const page = load(query);
  function* all(): Generator<T> {
    yield* page.items;
    for (let [last, next] = [page, nextPage(page, query)]; next !== null; next = nextPage(last, next)) {
      last = load(next);
      yield* last.items;
    }
  }
  return { ...page, [Symbol.iterator]: all };
}
