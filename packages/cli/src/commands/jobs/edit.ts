import type { Command } from 'commander';
import { Failure } from '../../connection/failure.ts';
import { text } from '../../output/cells.ts';
import { plain } from '../../output/plain.ts';
import { serverCommand } from '../command.ts';
import { flag, jsonArray, nowOrAhead, under } from '../flags.ts';
import { objectOf } from '../row.ts';
import { checkNamed, manyFlags, matching } from './bulk.ts';
import { filterFlags, states } from './filter.ts';
import { jobFlags, printJob, wireFlags } from './options.ts';

const args = { '[id]': 'id of the job; leave it out to select jobs with a filter' };
const also = ['yes', 'json'] as const;
const changed = 'Changes:';
const new_args = flag('--args <array>', 'other arguments, a JSON array', jsonArray);
const many = { ...filterFlags, ...manyFlags };

/** `ojs jobs edit`: changes a job that waits, or all that match a filter. */
export function editCommand(): Command {
  const flags = {
    if_state: flag('--if-state <state>', 'only if the job is in this state', states),
    ...under(changed, { ...jobFlags('default as before', nowOrAhead), new_args }),
    ...many,
  };
  const about = 'change a waiting job, or all waiting jobs that match a filter';
  return serverCommand('edit', about, { args, flags, also }, async (server, values, id) => {
    const changes = { args: values.new_args, ...wireFlags(values) };
    if (objectOf(changes) === '{}') throw new Failure('usage', 'Expected a change, such as --priority 10 or --at now.');
    const [state, ...more] = values.if_state ?? [];
    if (id === undefined) {
      if (state !== undefined) throw new Failure('usage', 'Expected --state with a filter, got --if-state.');
      return matching(server, { action: 'edit' }, values, objectOf(changes));
    }
    checkNamed(values);
    if (more.length > 0) throw new Failure('usage', 'Expected one state with --if-state.');
    const body = objectOf({ ...changes, if_match: state && { state } });
    const { text: answer } = await server.change({ operation: 'job.edit', params: { id }, body });
    printJob(answer, values, (job) => `Job ${text(job, 'id')} is changed,`);
  });
}

/** `ojs jobs rerun`: an ended job runs again as a new one, or all that match a filter. */
export function rerunCommand(): Command {
  const flags = {
    ...under(changed, {
      to_queue: flag('--to-queue <name>', 'queue of the new job; default as before'),
      ...jobFlags('default as before'),
      new_args,
      from_step: flag('--from-step <name>', 'keep the durable steps before this one, and run the others again'),
      forget: flag('--forget', 'with --from-step, also where steps were not undone'),
    }),
    ...many,
  };
  const about =
    'run a finished job, or all that match a filter, again as a new job; its meta has the id of the old one';
  return serverCommand('rerun', about, { args, flags, also }, async (server, values, id) => {
    const { from_step, forget } = values;
    const body = objectOf({ args: values.new_args, queue: values.to_queue, from_step, forget, ...wireFlags(values) });
    if (id === undefined && (from_step !== undefined || forget))
      throw new Failure('usage', 'Expected the id of one job with --from-step and --forget.');
    if (id === undefined) return matching(server, { action: 'rerun' }, values, body);
    checkNamed(values);
    const { text: answer } = await server.change({ operation: 'job.rerun', params: { id }, body });
    printJob(answer, values, (job, { deduplicated }) =>
      deduplicated === true
        ? `Nothing was enqueued: job ${text(job, 'id')} has the same unique key, and is`
        : `Job ${plain(id)} runs again as job ${text(job, 'id')},`,
    );
  });
}
