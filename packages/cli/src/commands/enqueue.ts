import { uuidv7 } from '@ojs-ts/core';
import type { Command } from 'commander';
import { text } from '../output/cells.ts';
import { serverCommand } from './command.ts';
import { flag, jsonArray } from './flags.ts';
import { jobFlags, printJob, wireFlags } from './jobs/options.ts';
import { objectOf } from './row.ts';

/** `ojs enqueue`: a job by hand. Its arguments are sent unchanged. */
export function enqueueCommand(): Command {
  const flags = { queue: flag('--queue <name>', 'queue; default "default"'), ...jobFlags('default 0') };
  const args = { type: 'job type', '[args]': 'arguments, a JSON array; default []' };
  return serverCommand(
    'enqueue',
    'enqueue a job',
    { args, flags, also: ['json'] },
    async (server, values, type, args) => {
      const { meta, ...options } = wireFlags(values);
      const body = objectOf({
        id: uuidv7(),
        type,
        meta,
        options: { queue: values.queue, ...options },
        args: jsonArray(args ?? '[]'),
      });
      const { text: answer } = await server.ask({ operation: 'job.enqueue', body });
      printJob(answer, values, (job) => `Job ${text(job, 'id')} is`);
    },
  );
}
