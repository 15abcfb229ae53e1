import { objectText } from '@ojs-ts/core';
import type { Command } from 'commander';
import { count, duration, type Item, moment, part, text } from '../../output/cells.ts';
import { printAnswer } from '../../output/format.ts';
import { details, view } from '../../output/table.ts';
import { group, serverCommand } from '../command.ts';
import { ahead, choice, flag, fromZero, rate } from '../flags.ts';
import { listCommand } from '../list.ts';
import { change } from '../row.ts';
import { freeCommand, holdersOf, holderTable, verdictOf } from './holders.ts';

const args = { key: 'key of the limit; queue:NAME for the limit of a queue' };

const lines = view`key | running: ${slots} | starts: ${starts} | next start: ${moment} throttle.next_allowed_at
  window resets: ${moment} rate.window_resets_at | waiting: ${count} waiting_count | overridden until: ${until}`;

/** `ojs limits`. */
export function limitsCommand(): Command {
  return group('limits', 'show limits by key, and override them', [
    listCommand('list', 'list limits by key', 'limit.list', {
      what: 'limits',
      columns: view`KEY | RUNNING>: ${slots} | STARTS>: ${starts} | WAITING>: ${count} waiting_count
        OVERRIDDEN: ${overridden}`,
      flags: {
        key: flag('--key <text>', 'limits whose key contains this text'),
        sort: choice('--sort <order>', 'key, or waiting: limits with the most waiting jobs first', ['key', 'waiting']),
      },
    }),
    showCommand(),
    freeCommand(args),
    change('override', 'replace the numbers of a limit', 'limit.override', {
      args,
      flags: {
        concurrency: flag('--concurrency <count>', 'jobs that may run at once; 0 stops every start', fromZero),
        rate: flag('--rate <rate>', 'jobs that may start in a time, such as 100/60s', rate),
        expires_at: flag('--for <duration>', 'how long the override lasts; default until ojs limits restore', ahead),
      },
      creates: 'the limit',
      oneOf: ['concurrency', 'rate'],
      shown: lines,
    }),
    change('restore', 'end an override; the numbers of the jobs or of the queue apply again', 'limit.restore', {
      args,
      shown: (_, key) => `Limit ${key} has its own numbers again.`,
    }),
  ]);
}

/** `ojs limits show`: with the jobs that hold its slots. */
function showCommand(): Command {
  const about = 'show a limit, how many jobs wait for it, and the jobs that hold its slots';
  return serverCommand('show', about, { args, also: ['json', 'watch'] }, async (server, values, key = '') => {
    const answer = await server.askFor({ operation: 'limit.get', params: { key } });
    const holders = await holdersOf(server, key);
    const whole = objectText([...answer, ['holders', JSON.stringify(holders)]]);
    printAnswer(whole, values, () => {
      const item: Item = JSON.parse(whole);
      const parts = [details(lines, item), holders.length === 0 ? '' : holderTable(holders)];
      return [...parts, verdictOf(key, item, holders)].filter((one) => one !== '').join('\n\n');
    });
  });
}

function slots(item: Item): string {
  const most = text(part(item, 'concurrency'), 'limit');
  return most === '' ? count(item, 'active_count') : `${count(item, 'active_count')}/${most}`;
}

function starts(item: Item): string {
  const window = part(item, 'rate');
  const most = text(window, 'limit');
  return most === '' ? '' : `${count(window, 'current_count')}/${most} in ${duration(window, 'period')}`;
}

function overridden(item: Item): string {
  return item.override === null ? '' : 'yes';
}

function until(item: Item): string {
  return item.override === null ? '' : moment(part(item, 'override'), 'expires_at') || 'it is restored';
}
