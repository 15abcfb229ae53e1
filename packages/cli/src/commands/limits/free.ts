import { uuidv7 } from '@ojs-ts/core';
import { type FreeingPlan, planFreeing } from '@ojs-ts/core/lifecycle';
import type { Command } from 'commander';
import { Failure } from '../../connection/failure.ts';
import type { Server, ServerFlags } from '../../connection/server.ts';
import { type ConfirmFlags, confirmed, takesConfirm } from '../../output/confirm.ts';
import { type FormatFlags, takesJson } from '../../output/format.ts';
import { oneLine, plain } from '../../output/plain.ts';
import { serverCommand } from '../command.ts';
import { type Holder, holdersOf, holderTable } from './holders.ts';

interface FreeFlags extends ServerFlags, FormatFlags, ConfirmFlags {
  readonly force?: true;
}

/** `ojs limits free`: gives back the slots of workers that are gone. */
export function freeCommand(): Command {
  const command = serverCommand<FreeFlags>(
    'free',
    'give back the slots of a limit whose workers are gone; their jobs go on as after a crash',
    async (server, flags, key = '') => {
      await server.ask({ operation: 'limit.get', params: { key } });
      const all = await holdersOf(server, key);
      const holders = all.filter(({ worker }) => flags.force || worker === 'dead');
      if (holders.length === 0) return report(flags, { removed: [], cancelled: [] }, nothing(key, all));
      const plan = planFreeing(holders, true);
      if (!flags.json) console.log(`${holderTable(holders)}\n`);
      await confirmed(question(plan), flags);
      await free(server, plan);
      report(
        flags,
        plan,
        `${count(holders.length, 'slot')} of ${plain(key)} ${holders.length === 1 ? 'is' : 'are'} free.`,
      );
    },
  ).argument('<key>', 'key of the limit; queue:NAME for that of a queue');
  return takesJson(takesConfirm(command)).option(
    '--force',
    'also free slots whose workers may live: a silent worker is removed, other jobs are cancelled',
  );
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
    await server.ask({ ...call, idempotencyKey: uuidv7() }, { status: 404, member: 'error' });
  }
  if (cancelled.length === 0) return;
  const body = JSON.stringify({ job_ids: cancelled, confirm: true });
  const accepted = { status: 422, member: 'succeeded' };
  const { text } = await server.ask({ operation: 'bulk.cancel', body, idempotencyKey: uuidv7() }, accepted);
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
