import { elements } from '@ojs-ts/core';
import type { Command } from 'commander';
import { age, clipped, count, type Item, text } from '../output/cells.ts';
import { printItems } from '../output/format.ts';
import { table, view } from '../output/table.ts';
import { group, serverCommand } from './command.ts';
import { atLeastOne, flag, needed, on } from './flags.ts';
import { states } from './jobs/filter.ts';
import { queryOf } from './row.ts';

const columns = view`
  FINGERPRINT | JOBS>: ${count} count | FIRST>: ${age} first_at | LAST>: ${age} last_at | ERROR: ${message}`;

function message(error: Item): string {
  return clipped(`${text(error, 'error_type')}: ${text(error, 'message')}`);
}

const flags = {
  state: flag('--state <states>', 'jobs in this state: discarded or retryable', states),
  dead_letter: on('--dead-letter', 'only jobs of the dead letter'),
  queue: flag('--queue <name>', 'jobs of this queue'),
  type: flag('--type <type>', 'jobs of this type'),
  limit: needed(flag('--limit <count>', 'the most errors, up to 100', atLeastOne), 20),
};

/** `ojs errors`: jobs that failed, by what went wrong. */
export function errorsCommand(): Command {
  const about = 'count jobs that failed by their last error, the most frequent first';
  const takes = { flags, also: ['json', 'ndjson', 'watch'] as const };
  const command = serverCommand('list', about, takes, async (server, values) => {
    const answer = await server.askFor({ operation: 'admin.errors', query: queryOf(flags, values) });
    const items = elements(answer.get('items') ?? '[]');
    printItems(items, values, (found) =>
      found.length === 0
        ? 'No errors.'
        : table(
            columns,
            found.map((item): Item => JSON.parse(item)),
          ),
    );
    const total = Number(answer.get('total') ?? items.length);
    if (total > items.length)
      console.error(`These are ${items.length} of ${total.toLocaleString('en-US')} errors; --limit shows more.`);
  });
  return group('errors', 'count failed jobs by their error', [command]);
}
