import { uuidv7 } from '@ojs-ts/core';
import type { Command } from 'commander';
import { exitCodes, Failure } from '../../connection/failure.ts';
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
      const age = flags.endedBefore === undefined ? {} : { older_than: flags.endedBefore };
      // The same twice: the specification has a body, which some proxies take from a DELETE.
      const query = { states: wanted, confirm: 'true', ...age };
      const body = JSON.stringify({ states: flags.state, confirm: true, ...age });
      let deleted = 0;
      const interrupted = () => {
        console.error(`ojs queues purge: interrupted. ${sum(deleted, 'so far')} The last request may delete more.`);
        process.exit(exitCodes.interrupted);
      };
      process.once('SIGINT', interrupted);
      try {
        for (let more = true; more; ) {
          const call = { operation: 'queue.purge', params: { name }, query, body, idempotencyKey: uuidv7() } as const;
          const answer: Item = JSON.parse((await server.ask(call)).text);
          const count = typeof answer.purged_count === 'number' ? answer.purged_count : 0;
          deleted += count;
          more = answer.has_more === true && count > 0;
        }
      } catch (error) {
        if (deleted > 0 && error instanceof Failure)
          throw new Failure(error.kind, `${error.message} ${sum(deleted, 'before that')}`);
        throw error;
      } finally {
        process.off('SIGINT', interrupted);
      }
      console.log(flags.json ? JSON.stringify({ deleted }) : sum(deleted));
    },
  ).argument('<name>', 'name of the queue');
  return takesJson(takesConfirm(command))
    .requiredOption('--state <states>', 'states of the jobs, by commas: any but active', states)
    .option('--ended-before <time>', 'only jobs that ended before a time, or at least so long ago', past);
}

function sum(deleted: number, when?: string): string {
  const jobs = deleted === 1 ? '1 job' : `${deleted.toLocaleString('en-US')} jobs`;
  return `${jobs} deleted${when === undefined ? '' : ` ${when}`}.`;
}
