import { uuidv7 } from '@ojs-ts/core';
import type { OperationName } from '@ojs-ts/core/operations';
import type { Command } from 'commander';
import type { ServerFlags } from '../connection/server.ts';
import type { Item } from '../output/cells.ts';
import { type ConfirmFlags, confirmed, takesConfirm } from '../output/confirm.ts';
import { type FormatFlags, printAnswer, takesJson } from '../output/format.ts';
import { plain } from '../output/plain.ts';
import { serverCommand } from './command.ts';
import { askForChange, type CreateFlags, takesCreate } from './create-flag.ts';

/** A change of one thing that the server has under a name. */
export interface Action {
  readonly operation: OperationName;
  /** The placeholder of the operation's path. */
  readonly param: 'id' | 'name' | 'key';
  /** The meaning of the name: `name of the queue`. */
  readonly about: string;
  /** The line about the change. */
  readonly said: (name: string, answer: Item) => string;
  /** The thing that the change creates with `--create` if it is missing: `the queue`. Other changes create nothing. */
  readonly creates?: string;
  /** The question before a change that cannot be taken back. */
  readonly question?: (name: string) => string;
}

export function actionCommand(
  name: string,
  description: string,
  { operation, param, about, said, creates, question }: Action,
): Command {
  const command = serverCommand<ServerFlags & FormatFlags & ConfirmFlags & CreateFlags>(
    name,
    description,
    async (server, flags, target = '') => {
      if (question !== undefined) await confirmed(question(plain(target)), flags);
      const call = { operation, params: { [param]: target }, idempotencyKey: uuidv7() };
      const { text } = await (creates === undefined ? server.ask(call) : askForChange(server, call, flags));
      printAnswer(text, flags, () => said(plain(target), JSON.parse(text)));
    },
  ).argument(`<${param}>`, about);
  if (creates !== undefined) takesCreate(command, creates);
  return takesJson(question === undefined ? command : takesConfirm(command));
}
