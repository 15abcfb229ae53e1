import { type Call, elements, members } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { OperationName } from '@ojs-ts/core/operations';
import type { Command } from 'commander';
import type { Server } from '../connection/server.ts';
import type { Item } from '../output/cells.ts';
import { type FormatFlags, printItems } from '../output/format.ts';
import { ProgressBar } from '../output/progress.ts';
import { table, type View } from '../output/table.ts';
import { type Args, serverCommand } from './command.ts';
import { atLeastOne, type Flags, flag, needed, on, type Values } from './flags.ts';
import { queryOf } from './row.ts';

/** A list of the server. */
interface Listed<F extends Flags> {
  /** The name of an empty list: `jobs`. */
  readonly what: string;
  /** The member of an answer that has the items: `items`, if none is named. */
  readonly member?: string;
  readonly columns: View;
  readonly args?: Args;
  /** By the members of the query. */
  readonly flags?: F;
  /** Reads the parts that the list leaves out of an item; null if the item has gone since. */
  readonly whole?: (server: Server, item: Json) => Promise<Json | null>;
  /** The query, where it is not that of the flags. */
  readonly query?: (server: Server, ...args: readonly string[]) => Promise<Call['query']>;
}

const pageFlags = {
  limit: needed(flag('--limit <count>', 'how many items to show', atLeastOne), 20),
  all: on('--all', 'show every item'),
};

/** So that lines of any number need the memory of one page. Tables and JSON need all items. */
const pageSize = 200;

export interface Page {
  readonly items: readonly Json[];
  /** The size of the whole list; null if the server has not counted it. */
  readonly total: number | null;
  readonly hasMore: boolean;
  /** The search ended before it had read everything, and does not continue. */
  readonly isCut: boolean;
  /** How many jobs the server read for this page of a search, and reads for all pages where that is known. */
  readonly search: { readonly scanned: number; readonly of: number | null } | null;
}

/** The pages of a list, until `limit` items were given. */
export async function* pages(
  server: Server,
  operation: OperationName,
  member: string,
  query: Call['query'],
  limit: number,
): AsyncGenerator<Page> {
  let cursor: string | undefined;
  // The offset in a list that the server sorts again for each page.
  let offset: number | undefined;
  for (let left = limit; left > 0; ) {
    const { text } = await server.ask({
      operation,
      query: { ...query, limit: Math.min(left, pageSize), cursor, offset },
    });
    const answer = members(text);
    const items = elements(answer.get(member) ?? '[]').slice(0, left);
    const page: Item = JSON.parse(answer.get('pagination') ?? '{}');
    const search: Item | null = JSON.parse(answer.get('search') ?? 'null');
    left -= items.length;
    cursor = typeof page.next_cursor === 'string' ? page.next_cursor : undefined;
    const hasMore = cursor === undefined && page.has_more === true && items.length > 0;
    offset = hasMore ? (offset ?? 0) + items.length : undefined;
    const total = page.total_exact === false || typeof page.total !== 'number' ? null : page.total;
    yield {
      items,
      total,
      hasMore: cursor !== undefined || offset !== undefined,
      isCut: search?.complete === false && cursor === undefined,
      search: search && { scanned: Number(search.scanned), of: typeof search.of === 'number' ? search.of : null },
    };
    if (cursor === undefined && offset === undefined) return;
  }
}

/** A command that prints a list. */
export function listCommand<F extends Flags>(
  name: string,
  about: string,
  operation: OperationName,
  listed: Listed<F>,
): Command {
  const { args, flags = {}, query } = listed;
  const takes = {
    ...(args && { args }),
    flags: { ...flags, ...pageFlags },
    also: ['json', 'ndjson', 'watch'] as const,
  };
  return serverCommand(name, about, takes, async (server, values, ...given) =>
    printList(server, operation, listed, (await query?.(server, ...given)) ?? queryOf(flags, values), values),
  );
}

async function printList(
  server: Server,
  operation: OperationName,
  { member = 'items', what, columns, whole }: Omit<Listed<Flags>, 'flags'>,
  query: Call['query'],
  flags: FormatFlags & Values<typeof pageFlags>,
): Promise<void> {
  const found: Json[] = [];
  let shown = 0;
  let last: Page | undefined;
  const limit = flags.all ? Number.POSITIVE_INFINITY : flags.limit;
  const all = pages(server, operation, member, query, limit);
  // Lines are printed as they come: they are the progress.
  for await (const page of flags.ndjson ? all : withProgress(all, limit)) {
    last = page;
    const read = whole === undefined ? page.items : await Promise.all(page.items.map((item) => whole(server, item)));
    const items = read.filter((item) => item !== null);
    shown += items.length;
    // Lines need no end, so a long list is printed as it comes.
    if (flags.ndjson) printItems(items, flags, () => '');
    else found.push(...items);
  }
  if (!flags.ndjson)
    printItems(found, flags, (items) => (items.length === 0 ? `No ${what}.` : table(columns, items.map(parse))));
  if (last?.hasMore) console.error(restOf(last, shown));
  if (last?.isCut) console.error('The server stopped its search before it had read all of them. Others may match.');
}

/** Shows how far a search has come that reads on. */
async function* withProgress(pages: AsyncIterable<Page>, limit: number): AsyncGenerator<Page> {
  using progress = new ProgressBar();
  let [scanned, found] = [0, 0];
  for await (const page of pages) {
    yield page;
    found += page.items.length;
    if (page.search === null || !page.hasMore || found >= limit) continue;
    const { of } = page.search;
    scanned += page.search.scanned;
    const about = of === null ? '' : ` of about ${of.toLocaleString('en-US')}`;
    const words = `Looked through ${scanned.toLocaleString('en-US')}${about} jobs, ${found.toLocaleString('en-US')} match`;
    progress.show({ part: of === null ? null : scanned / of, words, leftMs: null });
  }
}

function restOf({ total }: Page, shown: number): string {
  const of = total === null ? 'There are more' : `These are ${shown} of ${total.toLocaleString('en-US')}`;
  return `${of}; --limit or --all shows more.`;
}

function parse(text: Json): Item {
  return JSON.parse(text);
}
