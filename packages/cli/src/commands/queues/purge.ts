import { uuidv7 } from '@ojs-ts/core';
import type { Command } from 'commander';
import type { ServerFlags } from '../../connection/server.ts';
import type { Item } from '../../output/cells.ts';
import { type ConfirmFlags, confirmed, takesConfirm } from '../../output/confirm.ts';
import { type FormatFlags, takesJson } from '../../output/format.ts';
import { plain } from '../../output/plain.ts';
import { serverCommand } from '../command.ts';
import { states } from '../jobs/filter.ts';
import { past } from '../times.ts';

interface PurgeFlags extends ServerFlags, FormatFlags, ConfirmFlags {
  readonly state: readonly string[];
  readonly endedBefore?: string;
}

/** `ojs queues purge`: jobs of a queue, for good. */
export function purgeCommand(): Command {
  const command = serverCommand<PurgeFlags>(
    'purge',
    'delete the jobs of a queue that are in some states',
    async (server, flags, name = '') => {
      const wanted = flags.state.join(',');
      await confirmed(`Shall I delete the jobs of the queue ${plain(name)} that are ${wanted}?`, flags);
      const query = { states: wanted, confirm: 'true', older_than: flags.endedBefore };
      let deleted = 0;
      for (let more = true; more; ) {
        const call = { operation: 'queue.purge', params: { name }, query, idempotencyKey: uuidv7() } as const;
        const answer: Item = JSON.parse((await server.ask(call)).text);
        const count = typeof answer.purged_count === 'number' ? answer.purged_count : 0;
        deleted += count;
        more = answer.has_more === true && count > 0;
      }
      if (flags.json) console.log(JSON.stringify({ deleted }));
      else console.log(deleted === 1 ? '1 job deleted.' : `${deleted.toLocaleString('en-US')} jobs deleted.`);
    },
  ).argument('<name>', 'name of the queue');
  return takesJson(takesConfirm(command))
    .requiredOption('--state <states>', 'states of the jobs, by commas: any but active', states)
    .option('--ended-before <time>', 'only jobs that ended before a time, or at least so long ago', past);
}
