import { uuidv7 } from '@ojs-ts/core';
import type { Command } from 'commander';
import { Failure } from '../../connection/failure.ts';
import type { ServerFlags } from '../../connection/server.ts';
import { text } from '../../output/cells.ts';
import { serverCommand } from '../command.ts';
import { nowOrAhead } from '../times.ts';
import { checkNamed, type ManyFlags, matching, takesMany } from './bulk.ts';
import { states, takesFilter } from './filter.ts';
import { type JobFlags, printJob, takesJobOptions } from './options.ts';
import { changesOf, takesArgs } from './rerun.ts';

interface EditFlags extends ServerFlags, Omit<JobFlags, 'queue'>, ManyFlags {
  readonly args?: string;
  readonly ifState?: readonly string[];
}

const edit = { action: 'edit', verb: 'edit', done: 'edited' } as const;

/** `ojs jobs edit`: changes a job that waits, or all that match a filter. */
export function editCommand(): Command {
  const command = serverCommand<EditFlags>(
    'edit',
    'change a job that waits, or by a filter many',
    async (server, flags, id) => {
      const { queue: _, ...own } = flags;
      const changes = changesOf(own);
      if (changes === '{}') throw new Failure('usage', 'Expected a change, such as --priority 10 or --at now.');
      const [state, ...more] = flags.ifState ?? [];
      if (id === undefined) {
        if (state !== undefined) throw new Failure('usage', 'Expected --state with a filter, got --if-state.');
        return matching(server, edit, flags, changes);
      }
      checkNamed(flags);
      if (more.length > 0) throw new Failure('usage', 'Expected one state with --if-state.');
      const body = changesOf(own, state === undefined ? {} : { if_match: { state } });
      const call = { operation: 'job.edit', params: { id }, body, idempotencyKey: uuidv7() } as const;
      const { text: answer } = await server.ask(call);
      printJob(answer, flags, (job) => `Job ${text(job, 'id')} is changed,`);
    },
  )
    .argument('[id]', 'id of the job; without it a filter says which')
    .option('--if-state <state>', 'only if the job is in this state', states);
  return takesMany(takesFilter(takesArgs(takesJobOptions(command, 'default as before', nowOrAhead))));
}
