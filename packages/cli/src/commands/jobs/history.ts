import { isObject } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { Command } from 'commander';
import type { ServerFlags } from '../../connection/server.ts';
import { count, type Item, list, part, text } from '../../output/cells.ts';
import { type FormatFlags, printAnswer, takesJson } from '../../output/format.ts';
import { type Column, table } from '../../output/table.ts';
import { takesWatch, type WatchFlags, watching } from '../../output/watch.ts';
import { serverCommand } from '../command.ts';

const columns: readonly Column<Item>[] = [
  { title: 'TIME', cell: (event) => `${isGuess(event) ? '~' : ''}${text(event, 'timestamp')}` },
  { title: 'EVENT', cell: (event) => text(event, 'event_type') },
  { title: 'BY', cell: (event) => actorOf(part(event, 'actor')) },
  { title: 'DETAIL', cell: (event) => detailOf(part(event, 'data')) },
];

/** `ojs jobs history`: what happened to a job, as a timeline. */
export function historyCommand(): Command {
  const command = serverCommand<ServerFlags & FormatFlags & WatchFlags>(
    'history',
    'show what happened to a job, oldest first',
    (server, flags, id = '') =>
      watching(flags, async () => {
        const query = { limit: 1_000 };
        const { text: answer } = await server.ask({ operation: 'job.history', params: { id }, query });
        printAnswer(answer, flags, describe);
      }),
  );
  return takesWatch(takesJson(command.argument('<id>', 'id of the job')));
}

function describe(answer: Json): string {
  const body: Item = JSON.parse(answer);
  return table(columns, list(body, 'events').filter(isObject));
}

/** Reports whether the server does not know the exact time. */
function isGuess(event: Item): boolean {
  return part(event, 'metadata').reconstructed === true;
}

function actorOf(actor: Item): string {
  const id = text(actor, 'id');
  return id === '' ? text(actor, 'type') : `${text(actor, 'type')} ${id}`;
}

function detailOf(data: Item): string {
  const named = (name: string, words: (value: string) => string) => {
    const value = text(data, name);
    return value === '' ? [] : [words(value)];
  };
  const error = [text(data, 'error_type'), text(data, 'error') || text(data, 'last_error')];
  return [
    ...named('from', (from) => `${from} to ${text(data, 'to')}`),
    ...named('attempt', (attempt) => `attempt ${attempt}`),
    ...named('duration_ms', () => `ran ${count(data, 'duration_ms')} ms`),
    ...named('reason', (reason) => reason),
    error.filter((part) => part !== '').join(': '),
  ]
    .filter((part) => part !== '')
    .join(', ');
}
