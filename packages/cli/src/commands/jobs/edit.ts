import { uuidv7 } from '@ojs-ts/core';
import type { Command } from 'commander';
import { Failure } from '../../connection/failure.ts';
import type { ServerFlags } from '../../connection/server.ts';
import { text } from '../../output/cells.ts';
import { type FormatFlags, takesJson } from '../../output/format.ts';
import { serverCommand } from '../command.ts';
import { ahead } from '../times.ts';
import { states } from './filter.ts';
import { type JobFlags, printJob, takesJobOptions } from './options.ts';
import { changesOf, takesArgs } from './rerun.ts';

interface EditFlags extends ServerFlags, FormatFlags, Omit<JobFlags, 'queue'> {
  readonly args?: string;
  readonly ifState?: readonly string[];
}

/** `ojs jobs edit`: changes a job that waits. */
export function editCommand(): Command {
  const command = serverCommand<EditFlags>('edit', 'change a job that waits', async (server, flags, id = '') => {
    const [state, ...more] = flags.ifState ?? [];
    if (more.length > 0) throw new Failure('usage', 'Expected one state with --if-state.');
    const changes = changesOf(flags);
    if (changes === '{}') throw new Failure('usage', 'Expected a change, such as --priority 10 or --at now.');
    const body = changesOf(flags, state === undefined ? {} : { if_match: { state } });
    const call = { operation: 'job.edit', params: { id }, body, idempotencyKey: uuidv7() } as const;
    const { text: answer } = await server.ask(call);
    printJob(answer, flags, (job) => `Job ${text(job, 'id')} is changed,`);
  })
    .argument('<id>', 'id of the job')
    .option('--if-state <state>', 'only if the job is in this state', states);
  return takesJson(takesArgs(takesJobOptions(command, 'default as before', nowOrAhead)));
}

function nowOrAhead(text: string): string {
  return text === 'now' ? text : ahead(text);
}
