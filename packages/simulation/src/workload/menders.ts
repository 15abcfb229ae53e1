import { type Actor, oneOf, rollAt, type Work } from './actor.ts';

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
