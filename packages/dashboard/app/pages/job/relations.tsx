import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useRef } from 'react';
import { call } from '../../api/client.ts';
import { IfMay, useEveryQueue, useMay } from '../../api/session.ts';
import { hasJob, hasWorkflow } from '../../live/summary.ts';
import { Card, CronLink, Facts, type FactsProps, JobLink, JobsLink, StateBadge, WorkflowLink } from '../../ui/index.ts';
import { isEnded, type Job } from './job.ts';
import { neighboursOf, type Step } from './steps.ts';

/** The origin of the job, and the jobs that came from it. */
export function Relations({ job }: { readonly job: Job }) {
  const { workflow_id: workflow, meta, state, error_fingerprint: fingerprint, x_successor: next } = job;
  const { cron_name: cron, 'ojs.rerun_of': original, 'ojs.undo_of': undone } = meta;
  const isDead = state === 'discarded' && job.retry_policy.on_exhaustion === 'dead_letter';
  const reruns = useReruns(job);
  const workflowFacts = useWorkflowFacts(job);
  const hasReruns = reruns !== undefined && (reruns.ids.length > 0 || !reruns.isComplete);
  const isLinked = original !== undefined || undone !== undefined || next !== undefined || hasReruns;
  const isAlone = workflow === undefined && cron === undefined && !isLinked;
  if (isAlone && !isDead && fingerprint === null) return null;
  return (
    <Card title="Related">
      <Facts
        of={{
          ...workflowFacts,
          Cron: typeof cron === 'string' && <CronLink id={cron} />,
          'Runs again': typeof original === 'string' && <JobLink id={original} className="mono breaks" />,
          Undoes: typeof undone === 'string' && <JobLink id={undone} className="mono breaks" />,
          'Undone by': next?.as === 'undo' && <JobLink id={next.job_id} className="mono breaks" />,
          'Steps moved to': next?.as === 'rerun' && <JobLink id={next.job_id} className="mono breaks" />,
          'Run again as': hasReruns && (
            <ul className="plain">
              {reruns.ids.map((id) => (
                <li key={id}>
                  <JobLink id={id} className="mono breaks" />
                </li>
              ))}
              {!reruns.isComplete && (
                <li>
                  <JobsLink q={rerunQuery(job.id)} text="Search further" />
                </li>
              )}
            </ul>
          ),
          'Dead letter': isDead && (
            <IfMay call="deadLetter.stats" otherwise="It is in the dead letter">
              <Link to="/dead-letter">It is in the dead letter</Link>
            </IfMay>
          ),
          'Same error': fingerprint !== null && (
            <JobsLink q={`fingerprint:${fingerprint}`} text="Jobs with this error" />
          ),
        }}
      />
    </Card>
  );
}

function rerunQuery(id: string): string {
  return `meta."ojs.rerun_of":${id}`;
}

interface Reruns {
  readonly ids: readonly string[];
  /** False if the server has stopped its search. */
  readonly isComplete: boolean;
}

/** No index has the reruns, so they are looked for once and not at every event. */
function useReruns({ id, type, state }: Job): Reruns | undefined {
  const everyQueue = useEveryQueue();
  const mayList = useMay('job.list') && everyQueue;
  return useQuery({
    queryKey: ['reruns', id],
    queryFn: async ({ signal }): Promise<Reruns> => {
      const query = { q: `type:${type} ${rerunQuery(id)}`, limit: 10 };
      const { jobs, search } = await call('job.list', { query, signal });
      return { ids: jobs.map((job) => job.id), isComplete: search?.complete !== false };
    },
    enabled: mayList && isEnded(state),
  }).data;
}

/** The workflow of a job, its step and the steps beside it. */
function useWorkflowFacts({ id: job, workflow_id: id = '' }: Job): FactsProps['of'] {
  const isLarge = useRef(false);
  const { data } = useQuery({
    queryKey: ['workflow.graph', { id }, 'neighbours', job],
    queryFn: async ({ signal }) => neighboursOf(await call('workflow.graph', { params: { id }, signal }), job),
    enabled: id !== '',
    // The graph of a large workflow is too much for every event.
    meta: { live: (summary) => (isLarge.current ? hasJob(summary, job) : hasWorkflow(summary, id)) },
  });
  isLarge.current = data !== undefined && data.size > 1_000;
  if (id === '') return {};
  // Refused, perhaps: other steps may be in queues that the caller does not see.
  if (data === undefined) return { Workflow: <span className="mono breaks">{id}</span> };
  return {
    Workflow: <WorkflowLink id={id} text={data.workflow} />,
    Step: data.step,
    Parents: data.parents.length > 0 && <Steps steps={data.parents} />,
    Children: data.children.length > 0 && <Steps steps={data.children} />,
  };
}

const atMost = 10;

function Steps({ steps }: { readonly steps: readonly Step[] }) {
  return (
    <ul className="plain">
      {steps.slice(0, atMost).map(({ index, id, job_id: job, type, state }) => (
        <li key={index} className="row">
          {job ? <JobLink id={job} text={type ?? id} /> : (type ?? id)}
          {type !== undefined && <span className="soft">step {id}</span>}
          <StateBadge state={state} />
        </li>
      ))}
      {steps.length > atMost && <li className="soft">and {steps.length - atMost} more</li>}
    </ul>
  );
}
