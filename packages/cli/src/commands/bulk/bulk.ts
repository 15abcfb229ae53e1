import { members } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { Command } from 'commander';
import { Failure } from '../../connection/failure.ts';
import { age, count, type Item, moment, numberIn, part, text } from '../../output/cells.ts';
import { confirmed } from '../../output/confirm.ts';
import { oneLine, plain } from '../../output/plain.ts';
import { timeText } from '../../output/progress.ts';
import { details, view } from '../../output/table.ts';
import { group, serverCommand } from '../command.ts';
import { listCommand } from '../list.ts';
import { change, look } from '../row.ts';
import { follow, jobs, matchedWords, skippedWords } from './follow.ts';

const args = { id: 'id of the bulk operation' };

/** `ojs bulk`: changes of many jobs that the server makes. */
export function bulkOperationsCommand(): Command {
  return group('bulk', 'look at changes of many jobs; stop, resume and undo them', [
    listCommand('list', 'list bulk operations, newest first', 'bulk.list', {
      what: 'bulk operations',
      columns: view`ID | ACTION | STATE | DONE>: ${count} | CHANGED>: ${count} | AGE>: ${age} started_at
        BY: created_by | JOBS: ${about}`,
    }),
    look('show', 'show a bulk operation: its progress, and what stayed', 'bulk.get', { args, shown: describe }),
    change('stop', 'stop a bulk operation after its present step', 'bulk.stop', {
      args,
      shown: (item, id) => `Operation ${id} is ${text(item, 'state')}: ${jobs(numberIn(item, 'changed'))} changed.`,
    }),
    change('resume', 'continue a stopped bulk operation', 'bulk.resume', {
      args,
      shown: (item, id) => `Operation ${id} is ${text(item, 'state')}.`,
    }),
    undoCommand(),
  ]);
}

function undoCommand(): Command {
  const help = 'take back a cancel or discard by new jobs, and a retry or rerun by cancelling what still waits';
  return serverCommand('undo', help, { args, also: ['yes', 'json'] }, async (server, values, id = '') => {
    const found: Item = JSON.parse((await server.ask({ operation: 'bulk.get', params: { id } })).text);
    const before = text(part(found, 'undo'), 'by');
    if (before !== '') throw new Failure('failed', `The operation was undone already: ojs bulk show ${before}`);
    const what = `${text(found, 'action')} of ${jobs(numberIn(found, 'changed'))}`;
    await confirmed(`Shall I undo the ${what} by ${plain(text(found, 'created_by'))}?`, values);
    await follow(server, () => server.change({ operation: 'bulk.undo', params: { id } }), values);
  });
}

function about(item: Item): string {
  const filter = part(item, 'filter');
  const members = Object.keys(filter).map((name) => `${name}:${plain(String(filter[name]))}`);
  const query = text(item, 'query');
  const undoes = text(item, 'undoes');
  return [...(undoes === '' ? [] : [`undoes ${undoes}`]), ...members, ...(query === '' ? [] : [query])].join(' ');
}

const lines = view`
  id | action | jobs: ${about} | changes | state | matched: ${matchedWords} | done: ${count} | changed: ${count}
  skipped: ${skippedWords} | rate: ${rate} | time left: ${left} time_left_ms | by: created_by | started_at: ${moment}
  finished_at: ${moment} | undo: ${undo} | error`;

function describe(item: Item, _: string, json: Json): string {
  return details(lines, { ...item, changes: oneLine(members(json).get('changes') ?? '') });
}

function rate(item: Item): string {
  return item.rate === undefined || item.rate === null ? '' : `${text(item, 'rate')}/s`;
}

function left({ time_left_ms: ms }: Item): string {
  return typeof ms === 'number' ? timeText(ms) : '';
}

/** The command that undoes the operation, the one that has, or why there is none. */
function undo(item: Item): string {
  const undo = part(item, 'undo');
  const by = text(undo, 'by');
  if (undo.possible === true) return `ojs bulk undo ${text(item, 'id')}`;
  return by === '' ? text(undo, 'reason') : `done by ${by}`;
}
