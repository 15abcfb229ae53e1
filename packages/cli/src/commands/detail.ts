import type { Json } from '@ojs-ts/core/job';
import type { OperationName } from '@ojs-ts/core/operations';
import type { Command } from 'commander';
import type { ServerFlags } from '../connection/server.ts';
import { type FormatFlags, printAnswer, takesJson } from '../output/format.ts';
import { takesWatch, type WatchFlags, watching } from '../output/watch.ts';
import { serverCommand } from './command.ts';

/** One thing that the server has under a name. */
export interface Detail {
  readonly operation: OperationName;
  readonly param: 'id' | 'name' | 'key';
  readonly about: string;
  /** @param text the answer. */
  readonly describe: (text: Json) => string;
}

export function detailCommand(description: string, { operation, param, about, describe }: Detail): Command {
  const command = serverCommand<ServerFlags & FormatFlags & WatchFlags>(
    'show',
    description,
    (server, flags, name = '') =>
      watching(flags, async () => {
        const { text } = await server.ask({ operation, params: { [param]: name } });
        printAnswer(text, flags, describe);
      }),
  );
  return takesWatch(takesJson(command.argument(`<${param}>`, about)));
}
