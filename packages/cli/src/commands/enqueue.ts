import { uuidv7 } from '@ojs-ts/core';
import type { Command } from 'commander';
import type { ServerFlags } from '../connection/server.ts';
import { text } from '../output/cells.ts';
import { type FormatFlags, takesJson } from '../output/format.ts';
import { serverCommand } from './command.ts';
import { array, type JobFlags, printJob, takesJobOptions, takesQueue, wireFlags } from './jobs/options.ts';

type EnqueueFlags = ServerFlags & FormatFlags & JobFlags;

/** `ojs enqueue`: a job by hand. Its arguments are sent unchanged. */
export function enqueueCommand(): Command {
  const command = serverCommand<EnqueueFlags>(
    'enqueue',
    'enqueue a job',
    async (server, flags, type = '', args = '[]') => {
      const { meta, ...options } = wireFlags(flags);
      const head = JSON.stringify({ id: uuidv7(), type, meta, options }).slice(0, -1);
      const { text: answer } = await server.ask({ operation: 'job.enqueue', body: `${head},"args":${array(args)}}` });
      printJob(answer, flags, (job) => `Job ${text(job, 'id')} is`);
    },
  );
  const named = command.argument('<type>', 'job type').argument('[args]', 'arguments, a JSON array; default []');
  return takesJson(takesJobOptions(takesQueue(named), 'default 0'));
}
