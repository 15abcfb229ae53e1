import { type FreeingPlan, planFreeing } from '@ojs-ts/core/lifecycle';
import type { Command } from 'commander';
import { Failure } from '../../connection/failure.ts';
import type { Server } from '../../connection/server.ts';
import { confirmed } from '../../output/confirm.ts';
import type { FormatFlags } from '../../output/format.ts';
import { oneLine, plain } from '../../output/plain.ts';
import { type Args, serverCommand } from '../command.ts';
import { on } from '../flags.ts';
import { type Holder, holdersOf, holderTable } from './holders.ts';

const force = 'also free slots whose workers may live: a silent worker is removed, other jobs are cancelled';

/** `ojs limits free`: gives back the slots of workers that are gone. */
export function freeCommand(args: Args): Command {
  const about = 'give back the slots of a limit whose workers are gone; their jobs go on as after a crash';
  const takes = { args, flags: { force: on('--force', force) }, also: ['yes', 'json'] as const };
  return serverCommand('free', about, takes, async (server, values, key = '') => {
    await server.ask({ operation: 'limit.get', params: { key } });
    const all = await holdersOf(server, key);
    const holders = all.filter(({ worker }) => values.force || worker === 'dead');
    if (holders.length === 0) return report(values, { removed: [], cancelled: [] }, nothing(key, all));
    const plan = planFreeing(holders, true);
    if (!values.json) console.log(`${holderTable(holders)}\n`);
    await confirmed(question(plan), values);
    await free(server, plan);
    const slots = `${count(holders.length, 'slot')} of ${plain(key)}`;
    report(values, plan, `${slots} ${holders.length === 1 ? 'is' : 'are'} free.`);
  });
}

function question({ removed, cancelled }: FreeingPlan): string {
  const parts = [
    ...(removed.length === 0 ? [] : [`remove ${count(removed.length, 'worker')}, so that all of their jobs go back`]),
    ...(cancelled.length === 0 ? [] : [`cancel ${count(cancelled.length, 'job')}`]),
  ];
  return `Shall I ${parts.join(', and ')}?`;
}

async function free(server: Server, { removed, cancelled }: FreeingPlan): Promise<void> {
  for (const id of removed) {
    const call = { operation: 'worker.remove', params: { id }, query: { force: 'true' } } as const;
    // Upkeep may have been faster.
    await server.change(call, { status: 404, member: 'error' });
  }
  if (cancelled.length === 0) return;
  const body = JSON.stringify({ job_ids: cancelled, confirm: true });
  const accepted = { status: 422, member: 'succeeded' };
  const { text } = await server.change({ operation: 'bulk.cancel', body }, accepted);
  const { failed } = JSON.parse(text);
  if (failed > 0) throw new Failure('failed', `${count(failed, 'job')} had ended or could not be cancelled.`);
}

function nothing(key: string, holders: readonly Holder[]): string {
  if (holders.length === 0) return `No job holds a slot of ${plain(key)}.`;
  return (
    `${holderTable(holders)}\n\nNo worker of these is dead, so nothing was changed. ` +
    '--force frees the slots all the same.'
  );
}

function report({ json }: FormatFlags, plan: FreeingPlan, said: string): void {
  console.log(json ? oneLine(JSON.stringify(plan)) : said);
}

function count(number: number, what: string): string {
  return `${number.toLocaleString('en-US')} ${what}${number === 1 ? '' : 's'}`;
}
