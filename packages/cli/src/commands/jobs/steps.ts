import { elements, isObject, members } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { Command } from 'commander';
import { age, clipped, type Item, list, moment, part, text } from '../../output/cells.ts';
import { printItems } from '../../output/format.ts';
import { oneLine } from '../../output/plain.ts';
import { type Column, table, view } from '../../output/table.ts';
import { serverCommand } from '../command.ts';
import { on } from '../flags.ts';
import { waitedFor } from './show.ts';

/** A row, and the text of its value as the server sent it. */
interface Row extends Item {
  readonly shownValue: string;
}

const columns = view`
  #>: number | NAME | KIND | STATE | TRIES> | TOOK>: ${took} | UNTIL: ${until} | ERROR: ${error}`;
/** Only where a step has waited for a signal. */
const signalColumn: Column<Item> = {
  title: 'WAITS FOR',
  cell: (row) => (row.kind === 'signal' ? clipped(waitedFor(row)) : ''),
};
const mailColumns = view`UNREAD SIGNAL: name | COUNT>: unread | OLDEST>: ${age} oldest_at`;
const valueColumn: Column<Item> = { title: 'VALUE', cell: (row) => clipped(text(row, 'shownValue')) };

/** `ojs jobs steps`: the durable steps of a job. */
export function stepsCommand(): Command {
  const about = 'show the durable steps of a job, in the order in which they were recorded';
  const flags = { values: on('--values', 'show the value of each step') };
  const takes = { args: { id: 'id of the job' }, flags, also: ['json', 'ndjson', 'watch'] as const };
  return serverCommand('steps', about, takes, async (server, values, id = '') => {
    const rows: Json[] = [];
    const mail: Item[] = [];
    for (let after: number | null = 0; after !== null; ) {
      const query = { after, values: values.values ? 'all' : 'none' };
      const { text } = await server.ask({ operation: 'job.steps', params: { id }, query });
      const answer = members(text);
      rows.push(...elements(answer.get('steps') ?? '[]'));
      mail.push(...list(JSON.parse(text), 'mail').filter(isObject));
      after = JSON.parse(answer.get('next') ?? 'null');
    }
    printItems(rows, values, () => {
      const steps = rows.map(rowOf);
      const more = [
        ...(steps.some(({ kind }) => kind === 'signal') ? [signalColumn] : []),
        ...(values.values ? [valueColumn] : []),
      ];
      const shown = steps.length === 0 ? 'The job has no durable steps.' : table([...columns, ...more], steps);
      return mail.length === 0 ? shown : `${shown}\n\n${table(mailColumns, mail)}`;
    });
  });
}

function rowOf(json: Json): Row {
  const value = members(json).get('value');
  const bytes = members(json).get('bytes');
  return {
    ...JSON.parse(json),
    shownValue: value !== undefined ? oneLine(value) : bytes === undefined ? '' : `${bytes} bytes`,
  };
}

/** From the start of the step to its outcome; empty while it is open. */
function took(row: Item): string {
  const ms = Date.parse(text(row, 'ended_at')) - Date.parse(text(row, 'started_at'));
  return Number.isNaN(ms) ? '' : `${ms.toLocaleString('en-US')} ms`;
}

/** The end of an open row, and before that the next call of a poll. */
function until(row: Item): string {
  if (text(row, 'state') !== 'open') return '';
  if (row.arrived === true) return 'its signal has come';
  return text(row, 'next_at') === '' ? moment(row, 'until') : `next call ${moment(row, 'next_at')}`;
}

function error(row: Item): string {
  const { type, message } = { type: text(part(row, 'error'), 'type'), message: text(part(row, 'error'), 'message') };
  return clipped([type, message].filter((one) => one !== '').join(': '));
}
