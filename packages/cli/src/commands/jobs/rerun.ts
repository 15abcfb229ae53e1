import { uuidv7 } from '@ojs-ts/core';
import type { Command } from 'commander';
import type { ServerFlags } from '../../connection/server.ts';
import { type FormatFlags, takesJson } from '../../output/format.ts';
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
      const { text } = await server.ask({
        operation: 'job.rerun',
        params: { id },
        body: changesOf(flags),
        idempotencyKey: uuidv7(),
      });
      printJob(text, flags, ({ deduplicated }) =>
        deduplicated === true ? ' Nothing was enqueued: this job has the same unique key.' : '',
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
