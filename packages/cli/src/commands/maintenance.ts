import { formatDuration, readDuration, uuidv7 } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import { type Command, InvalidArgumentError } from 'commander';
import type { Server, ServerFlags } from '../connection/server.ts';
import { type Item, moment, text } from '../output/cells.ts';
import { type ConfirmFlags, confirmed, takesConfirm } from '../output/confirm.ts';
import { type FormatFlags, printAnswer, takesJson } from '../output/format.ts';
import { fields } from '../output/table.ts';
import { group, serverCommand } from './command.ts';
import { filled } from './values.ts';

interface OnFlags extends ServerFlags, FormatFlags, ConfirmFlags {
  readonly reason?: string;
  readonly for?: string;
}

/** `ojs maintenance`. */
export function maintenanceCommand(): Command {
  const off = serverCommand<ServerFlags & FormatFlags>(
    'off',
    'end maintenance mode: what waits starts',
    (server, flags) => change(server, { enabled: false }, flags),
  );
  const status = serverCommand<ServerFlags & FormatFlags>('status', 'show whether it is on', async (server, flags) => {
    printAnswer((await server.ask({ operation: 'admin.maintenance' })).text, flags, describe);
  });
  return group('maintenance', 'start no jobs for a while', [onCommand(), takesJson(off), takesJson(status)]);
}

function onCommand(): Command {
  const command = serverCommand<OnFlags>(
    'on',
    'begin maintenance mode: no job starts, new ones are accepted',
    async (server, flags) => {
      await confirmed('Shall I stop the start of jobs on all servers of this storage?', flags);
      await change(server, { enabled: true, reason: flags.reason, estimated_duration: flags.for }, flags);
    },
  );
  return takesJson(takesConfirm(command))
    .option('--reason <text>', 'what people are told', filled)
    .option('--for <duration>', 'how long it will take, such as 30m; it does not end by itself', duration);
}

async function change(server: Server, body: object, flags: FormatFlags): Promise<void> {
  const call = { operation: 'admin.setMaintenance', body: JSON.stringify(body), idempotencyKey: uuidv7() } as const;
  printAnswer((await server.ask(call)).text, flags, describe);
}

function describe(answer: Json): string {
  const item: Item = JSON.parse(answer);
  if (item.maintenance !== true) return 'Maintenance mode is off.';
  return fields([
    ['maintenance', 'on: no job starts'],
    ['reason', text(item, 'reason')],
    ['since', moment(item, 'enabled_at')],
    ['expected end', moment(item, 'estimated_end')],
  ]);
}

function duration(text: string): string {
  const ms = readDuration(text);
  if (ms !== null && ms > 0) return formatDuration(ms);
  throw new InvalidArgumentError('Expected a duration such as 30m, 2h or PT30M.');
}
