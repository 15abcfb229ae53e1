import { ends, type WorkflowNode } from '../records.ts';
import type { Rule } from '../rule.ts';
import type { JobHistory, Timeline } from '../timeline.ts';

/** The jobs of each workflow by node. */
function jobsByNode(timeline: Timeline): ReadonlyMap<string, ReadonlyMap<string, readonly JobHistory[]>> {
  const workflows = new Map<string, Map<string, JobHistory[]>>();
  for (const job of timeline.jobs.values()) {
    const { workflow, node } = job.of.find((of) => of.workflow !== undefined) ?? {};
    if (workflow === undefined || node === undefined) continue;
    const nodes = workflows.get(workflow) ?? new Map<string, JobHistory[]>();
    workflows.set(workflow, nodes.set(node, [...(nodes.get(node) ?? []), job]));
  }
  return workflows;
}

/** A job that still waits starts after all others. */
function startOf(job: JobHistory | undefined): number {
  return job?.claims[0]?.from ?? Number.POSITIVE_INFINITY;
}

/** How many retries by hand may have reached the jobs of a workflow. */
function retries(jobs: ReadonlyMap<string, readonly JobHistory[]>): number {
  const operations = [...jobs.values()].flat().flatMap((job) => job.operations);
  return operations.filter(({ call, outcome }) => call.op === 'retry' && outcome !== 'refused').length;
}

function mayBeRemoved(job: JobHistory): boolean {
  return job.operations.some(({ call, outcome }) => call.op === 'remove' && outcome !== 'refused');
}

/** The first moment at which the job may have ended. */
function mayHaveEnded(job: JobHistory): number {
  const moments = [...job.settlements, ...job.operations].flatMap(({ outcome, from }) =>
    outcome === 'refused' ? [] : [from],
  );
  // A job that is lost too often ends without a call, some time after it was claimed. It may be removed later.
  const lost = job.final?.state === 'discarded' || mayBeRemoved(job) ? job.claims.map(({ from }) => from) : [];
  return Math.min(Number.POSITIVE_INFINITY, ...moments, ...lost);
}

/** Each node has one job, and each callback one for each end, which starts after what it waits for. */
export const workflow: Rule = (timeline, broken) => {
  let judged = 0;
  const jobs = jobsByNode(timeline);
  for (const { call, to, outcome } of timeline.workflows) {
    const found = jobs.get(call.workflow) ?? new Map<string, readonly JobHistory[]>();
    const plain = call.nodes.filter(({ callback }) => callback === undefined).map(({ node }) => node);
    for (const node of call.nodes) {
      judged += 1;
      const made = found.get(node.node) ?? [];
      const [job, second] = made;
      const name = `node ${node.node} of ${call.workflow}`;
      // A callback fires once for each end: a retry of a step may lead to another one.
      const most = node.callback === undefined ? 1 : 1 + retries(found);
      if (job && second && made.length > most)
        broken({ at: to, job: second.id, message: `${name} has a second job; the first is ${job.id}` });
      // Of a callback that has fired before, only the last one comes after everything.
      const last = made.reduce((latest, one) => (startOf(one) > startOf(latest) ? one : latest), job);
      // A callback whose second job is still to come has fired at an earlier end alone.
      const isEarlier = node.callback !== undefined && made.length < 2 && retries(found) > 0;
      for (const dependency of isEarlier ? [] : node.callback === undefined ? node.after : plain) {
        const before = found.get(dependency)?.[0];
        const first = last?.claims[0];
        if (before !== undefined && first !== undefined && first.to < mayHaveEnded(before))
          broken({ at: first.to, job: first.job, message: `${name} was started before ${dependency} ended` });
      }
      if (!timeline.complete || timeline.calmAt === undefined || outcome !== 'done') continue;
      const wanted = isWanted(node, plain, (other) => found.get(other)?.[0]?.final?.state);
      if (wanted === true && job?.final === undefined && !(job && mayBeRemoved(job)))
        broken({ at: to, message: `${name} has no job at the end` });
      if (wanted === false && job?.final !== undefined)
        broken({ at: job.final.at, job: job.id, message: `${name} has a job, though it was not to run` });
    }
  }
  return judged;
};

/** Whether the node must have a job at the end, must have none, or (undefined) may. */
function isWanted(
  { after, callback }: WorkflowNode,
  plain: readonly string[],
  stateOf: (node: string) => string | undefined,
): boolean | undefined {
  const outcomes = (callback === undefined ? after : plain).map(stateOf);
  const allCompleted = outcomes.every((state) => state === 'completed');
  if (callback === undefined) return allCompleted ? true : undefined;
  if (outcomes.some((state) => state === undefined || !isEnd(state))) return undefined;
  if (callback === 'complete') return true;
  return callback === 'success' ? allCompleted : !allCompleted;
}

function isEnd(state: string): boolean {
  return [...ends].some((end) => end === state);
}
