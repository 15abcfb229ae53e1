import { uuidv7 } from '@ojs-ts/core';
import type { Command } from 'commander';
import type { ServerFlags } from '../../connection/server.ts';
import { text } from '../../output/cells.ts';
import { plain } from '../../output/plain.ts';
import { serverCommand } from '../command.ts';
import { filled } from '../values.ts';
import { checkNamed, type ManyFlags, matching, takesMany } from './bulk.ts';
import { takesFilter } from './filter.ts';
import { array, type JobFlags, printJob, takesJobOptions, wireFlags } from './options.ts';

interface RerunFlags extends ServerFlags, Omit<JobFlags, 'queue'>, ManyFlags {
  readonly args?: string;
  readonly toQueue?: string;
}

const rerun = { action: 'rerun', verb: 'rerun', done: 'run again' } as const;

/** `ojs jobs rerun`: an ended job runs again as a new one, or all that match a filter. */
export function rerunCommand(): Command {
  const command = serverCommand<RerunFlags>(
    'rerun',
    'run an ended job again as a new job, which names the old one in its meta; by a filter many',
    async (server, { toQueue, ...flags }, id) => {
      const { queue: _, ...own } = flags;
      const changes = changesOf({ ...own, ...(toQueue !== undefined && { queue: toQueue }) });
      if (id === undefined) return matching(server, rerun, flags, changes);
      checkNamed(flags);
      const call = { operation: 'job.rerun', params: { id }, body: changes, idempotencyKey: uuidv7() } as const;
      const { text: answer } = await server.ask(call);
      printJob(answer, flags, (job, { deduplicated }) =>
        deduplicated === true
          ? `Nothing was enqueued: job ${text(job, 'id')} has the same unique key, and is`
          : `Job ${plain(id)} runs again as job ${text(job, 'id')},`,
      );
    },
  )
    .argument('[id]', 'id of the job; without it a filter says which')
    .option('--to-queue <name>', 'queue of the new job; default as before', filled);
  return takesMany(takesFilter(takesArgs(takesJobOptions(command, 'default as before'))));
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
