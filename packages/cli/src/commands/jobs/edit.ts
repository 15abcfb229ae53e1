import { uuidv7 } from '@ojs-ts/core';
import type { Command } from 'commander';
import { Failure } from '../../connection/failure.ts';
import type { Server, ServerFlags } from '../../connection/server.ts';
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
    await edit(server, id, changesOf(flags, state === undefined ? {} : { if_match: { state } }), flags);
  })
    .argument('<id>', 'id of the job')
    .option('--if-state <state>', 'only if the job is in this state', states);
  return takesJson(takesArgs(takesJobOptions(command, 'default as before', nowOrAhead)));
}

/** `ojs jobs promote`: ends the wait of a job. */
export function promoteCommand(): Command {
  const description = 'start a scheduled job now, or a retryable one without the rest of its pause';
  const command = serverCommand<ServerFlags & FormatFlags>('promote', description, (server, flags, id = '') =>
    edit(server, id, '{"scheduled_at":"now"}', flags),
  );
  return takesJson(command.argument('<id>', 'id of the job'));
}

async function edit(server: Server, id: string, body: string, flags: FormatFlags): Promise<void> {
  const { text } = await server.ask({ operation: 'job.edit', params: { id }, body, idempotencyKey: uuidv7() });
  printJob(text, flags);
}

function nowOrAhead(text: string): string {
  return text === 'now' ? text : ahead(text);
}
