import { elements, members } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { Command } from 'commander';
import type { ServerFlags } from '../connection/server.ts';
import { age, count, type Item, text } from '../output/cells.ts';
import { type FormatFlags, printItems, takesFormat } from '../output/format.ts';
import { type Column, table } from '../output/table.ts';
import { takesWatch, type WatchFlags, watching } from '../output/watch.ts';
import { group, serverCommand } from './command.ts';
import { states } from './jobs/filter.ts';
import { atLeastOne, filled } from './values.ts';

interface ErrorFlags extends ServerFlags, FormatFlags, WatchFlags {
  readonly state?: readonly string[];
  readonly deadLetter?: true;
  readonly queue?: string;
  readonly type?: string;
  readonly limit: number;
}

const longestMessage = 60;

const columns: readonly Column<Item>[] = [
  { title: 'FINGERPRINT', cell: (error) => text(error, 'fingerprint') },
  { title: 'JOBS', cell: (error) => count(error, 'count'), align: 'right' },
  { title: 'FIRST', cell: (error) => age(error, 'first_at'), align: 'right' },
  { title: 'LAST', cell: (error) => age(error, 'last_at'), align: 'right' },
  { title: 'ERROR', cell: message },
];

function message(error: Item): string {
  const whole = `${text(error, 'error_type')}: ${text(error, 'message')}`;
  return whole.length > longestMessage ? `${whole.slice(0, longestMessage - 1)}…` : whole;
}

/** `ojs errors`: jobs that failed, by what went wrong. */
export function errorsCommand(): Command {
  return group('errors', 'count failed jobs by their error', [listErrors()]);
}

function listErrors(): Command {
  const about = 'count jobs that failed by their last error, the most frequent first';
  const command = serverCommand<ErrorFlags>('list', about, (server, flags) =>
    watching(flags, async () => {
      const { state, deadLetter, queue, type, limit } = flags;
      const query = { state: state?.join(','), dead_letter: deadLetter && 'true', queue, type, limit };
      const { text: answer } = await server.ask({ operation: 'admin.errors', query });
      print(answer, flags);
    }),
  );
  return takesWatch(takesFormat(command))
    .option('--state <states>', 'jobs in this state: discarded or retryable', states)
    .option('--dead-letter', 'only jobs of the dead letter')
    .option('--queue <name>', 'jobs of this queue', filled)
    .option('--type <type>', 'jobs of this type', filled)
    .option('--limit <count>', 'the most errors, up to 100', atLeastOne, 20);
}

function print(answer: Json, flags: FormatFlags): void {
  const parts = members(answer);
  const items = elements(parts.get('items') ?? '[]');
  printItems(items, flags, (found) => (found.length === 0 ? 'No errors.' : table(columns, found.map(parse))));
  const total = Number(parts.get('total') ?? items.length);
  if (total > items.length)
    console.error(`These are ${items.length} of ${total.toLocaleString('en-US')} errors; --limit shows more.`);
}

function parse(text: Json): Item {
  return JSON.parse(text);
}
