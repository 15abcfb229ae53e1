import { uuidv7 } from '@ojs-ts/core';
import type { Command } from 'commander';
import type { ServerFlags } from '../../connection/server.ts';
import { text } from '../../output/cells.ts';
import { type FormatFlags, takesJson } from '../../output/format.ts';
import { plain } from '../../output/plain.ts';
import { serverCommand } from '../command.ts';
import { array, type JobFlags, printJob, takesJobOptions, takesQueue, wireFlags } from './options.ts';

interface RerunFlags extends ServerFlags, FormatFlags, JobFlags {
  readonly args?: string;
}

/** `ojs jobs rerun`: an ended job runs again as a new one. */
export function rerunCommand(): Command {
  const command = serverCommand<RerunFlags>(
    'rerun',
    'run an ended job again as a new job, which names the old one in its meta',
    async (server, flags, id = '') => {
      const { text: answer } = await server.ask({
        operation: 'job.rerun',
        params: { id },
        body: changesOf(flags),
        idempotencyKey: uuidv7(),
      });
      printJob(answer, flags, (job, { deduplicated }) =>
        deduplicated === true
          ? `Nothing was enqueued: job ${text(job, 'id')} has the same unique key, and is`
          : `Job ${plain(id)} runs again as job ${text(job, 'id')},`,
      );
    },
  ).argument('<id>', 'id of the job');
  const unset = 'default as before';
  return takesJson(takesArgs(takesJobOptions(takesQueue(command, unset), unset)));
}

export function takesArgs(command: Command): Command {
  return command.option('--args <array>', 'arguments in place of its own, a JSON array');
}

/** The body of a change; arguments stay the text that was given. */
export function changesOf(flags: JobFlags & { readonly args?: string }, more: object = {}): string {
  const { args } = flags;
  const changes = JSON.stringify({ ...wireFlags(flags), ...more });
  if (args === undefined) return changes;
  return `{"args":${array(args)}${changes === '{}' ? '' : `,${changes.slice(1, -1)}`}}`;
}
