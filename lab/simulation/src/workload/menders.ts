import { batch, chain, group } from '@ojs-ts/sdk';
import { type Actor, oneOf, rollAt, sleep, type Work } from './actor.ts';

/** What a person does with a workflow that has dead steps; most often its retry. */
const deeds = [
  'retry workflow',
  'retry workflow',
  'retry workflow',
  'retry jobs',
  'retry jobs',
  'retry one',
  'retry one',
  'delete',
  'cancel',
  'rerun',
] as const;

/** One of the newest twenty workflows. */
function chosen({ context, roll }: Actor): Actor['context']['workflows'][number] {
  const newest = context.workflows.slice(-20);
  const workflow = newest[Math.floor(newest.length * rollAt(roll, 0))];
  if (workflow === undefined) throw new Error('There is no workflow yet.');
  return workflow;
}

/** Retries the dead steps of a workflow, deletes them, cancels another step, or starts the workflow anew. */
export const mender: Work = async (actor) => {
  const { context, process, roll } = actor;
  const { client, admin, node } = process;
  const { id, nodes } = chosen(actor);
  const { steps } = await client.getWorkflow(id);
  const jobsOf = (states: readonly string[]) =>
    steps.flatMap(({ state, jobId }) => (jobId !== undefined && states.includes(state) ? [jobId] : []));
  const dead = jobsOf(['failed']);
  if (rollAt(roll, 2) < 0.8) context.mended.add(id);
  const what = oneOf(deeds, roll, 1);
  switch (what) {
    case 'retry workflow': {
      // The answer does not say which jobs it has retried, and one may fail until then.
      const jobs = steps.flatMap(({ state, jobId }) => (jobId === undefined || state === 'completed' ? [] : [jobId]));
      const ends = jobs.map((job) => context.recorder.call(node.name, 'retry', { job }));
      for (const end of ends) end('unknown');
      await client.retryWorkflow(id);
      break;
    }
    case 'retry jobs':
      if (dead.length > 0) await admin.retryJobs(dead);
      break;
    case 'retry one':
      await client.retryDeadLetterJob(oneOf(dead, roll, 3));
      break;
    case 'delete': {
      const jobs = steps.flatMap(({ id: step, jobId }) =>
        jobId !== undefined && dead.includes(jobId) ? [{ id: jobId, workflow: id, node: step }] : [],
      );
      context.recorder.call(node.name, 'remove', { jobs: dead })('unknown', { jobs });
      await admin.deleteJobs(dead);
      break;
    }
    case 'cancel':
      await client.cancelJob(oneOf(jobsOf(['pending']), roll, 3));
      break;
    case 'rerun': {
      const again = await client.rerunWorkflow(id);
      context.recorder.call(node.name, 'workflow', { workflow: again.id, nodes })('done');
      context.mended.add(again.id);
    }
  }
};

/**
 * Retries a dead step that can help its workflow no more, because a later step has run without it, or cannot run after
 * it. Nobody else changes the workflow, so the retry must be refused, whatever fails.
 */
export const refused: Work = async ({ context, process, roll }) => {
  const { client } = process;
  const step = { type: 'job.step', args: [{ holdMs: 500 }] };
  const dead = { ...step, args: [{ holdMs: 10, failures: 9 }], retry: { maxAttempts: 1, onExhaustion: 'dead_letter' } };
  const options = { queue: 'flow' };
  const hasGoneOn = rollAt(roll, 0) < 0.5;
  const first = hasGoneOn
    ? batch('batch', [dead, step], { onComplete: step, options })
    : group('group', [dead, step], options);
  const { id } = await client.workflow(chain('refused', [first, step], options));
  const stepOf = async (name: string) => (await client.getWorkflow(id)).steps.find((one) => one.id === name);
  const until = async (name: string, states: readonly string[]): Promise<string> => {
    for (let looks = 0; looks < 60; looks++) {
      const { state = '', jobId } = (await stepOf(name)) ?? {};
      if (jobId !== undefined && states.includes(state)) return jobId;
      await sleep(500);
    }
    throw new Error(`Step ${name} of workflow ${id} does not end.`);
  };
  if (!hasGoneOn) await client.cancelJob(await until('0.1', ['pending', 'active']));
  const job = await until('0.0', ['failed']);
  if (hasGoneOn) await until('1', ['completed']);
  await client.retryDeadLetterJob(job);
  context.problems.push({ rule: 'workflows', job, message: `was retried, though workflow ${id} cannot go on with it` });
};
