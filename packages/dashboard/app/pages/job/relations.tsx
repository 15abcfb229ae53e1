import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useRef } from 'react';
import { IfMay } from '../../access/if-may.tsx';
import { callText } from '../../api/client.ts';
import { useEveryQueue, useMay } from '../../api/session.ts';
import { parse } from '../../json/numeral.ts';
import { hasJob, hasWorkflow } from '../../live/summary.ts';
import { StateBadge } from '../../ui/badge.tsx';
import { Card } from '../../ui/page.tsx';
import { Fact } from './facts.tsx';
import { isEnded, type Job } from './job.ts';
import { type Graph, neighboursOf, type Step } from './steps.ts';

/** The origin of the job, and the jobs that came from it. */
export function Relations({ job }: { readonly job: Job }) {
  const { workflow_id: workflow, meta, state, error_fingerprint: fingerprint } = job;
  const { cron_name: cron, 'ojs.rerun_of': original } = meta;
  const isDead = state === 'discarded' && job.retry_policy.on_exhaustion === 'dead_letter';
  const reruns = useReruns(job);
  const hasReruns = reruns !== undefined && (reruns.ids.length > 0 || !reruns.isComplete);
  const isAlone = workflow === undefined && cron === undefined && original === undefined && !hasReruns;
  if (isAlone && !isDead && fingerprint === null) return null;
  return (
    <Card title="Related">
      <dl className="facts">
        {workflow !== undefined && <WorkflowFacts id={workflow} job={job.id} />}
        {typeof cron === 'string' && (
          <Fact name="Cron">
            <Link to="/crons/$name" params={{ name: cron }}>
              {cron}
            </Link>
          </Fact>
        )}
        {typeof original === 'string' && (
          <Fact name="Runs again">
            <JobLink id={original} />
          </Fact>
        )}
        {hasReruns && (
          <Fact name="Run again as">
            <ul className="plain">
              {reruns.ids.map((id) => (
                <li key={id}>
                  <JobLink id={id} />
                </li>
              ))}
              {!reruns.isComplete && (
                <li>
                  <Link to="/jobs" search={{ q: rerunQuery(job.id) }}>
                    Search further
                  </Link>
                </li>
              )}
            </ul>
          </Fact>
        )}
        {isDead && (
          <Fact name="Dead letter">
            <IfMay call="deadLetter.stats" otherwise="It is in the dead letter">
              <Link to="/dead-letter">It is in the dead letter</Link>
            </IfMay>
          </Fact>
        )}
        {fingerprint !== null && (
          <Fact name="Same error">
            <Link to="/jobs" search={{ q: `fingerprint:${fingerprint}` }}>
              Jobs with this error
            </Link>
          </Fact>
        )}
      </dl>
    </Card>
  );
}

function JobLink({ id }: { readonly id: string }) {
  return (
    <Link to="/jobs/$id" params={{ id }} className="mono breaks">
      {id}
    </Link>
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
      const { jobs, search } = parse(await callText('job.list', { query, signal })) as RerunList;
      return { ids: jobs.map((job) => job.id), isComplete: search.complete };
    },
    enabled: mayList && isEnded(state),
  }).data;
}

interface RerunList {
  readonly jobs: readonly { readonly id: string }[];
  readonly search: { readonly complete: boolean };
}

function WorkflowFacts({ id, job }: { readonly id: string; readonly job: string }) {
  const isLarge = useRef(false);
  const { data } = useQuery({
    queryKey: ['workflow.graph', { id }, 'neighbours', job],
    queryFn: async ({ signal }) =>
      neighboursOf(parse(await callText('workflow.graph', { params: { id }, signal })) as Graph, job),
    // The graph of a large workflow is too much for every event.
    meta: { live: (summary) => (isLarge.current ? hasJob(summary, job) : hasWorkflow(summary, id)) },
  });
  isLarge.current = data !== undefined && data.size > 1_000;
  return (
    <>
      <Fact name="Workflow">
        {data === undefined ? (
          // Refused, perhaps: other steps may be in queues that the caller does not see.
          <span className="mono breaks">{id}</span>
        ) : (
          <Link to="/workflows/$id" params={{ id }}>
            {data.workflow ?? id}
          </Link>
        )}
      </Fact>
      {data?.step && <Fact name="Step">{data.step}</Fact>}
      {data && data.parents.length > 0 && <Steps name="Parents" steps={data.parents} />}
      {data && data.children.length > 0 && <Steps name="Children" steps={data.children} />}
    </>
  );
}

const atMost = 10;

function Steps({ name, steps }: { readonly name: string; readonly steps: readonly Step[] }) {
  return (
    <Fact name={name}>
      <ul className="plain">
        {steps.slice(0, atMost).map(({ index, id, job_id: job, type, state }) => (
          <li key={index} className="row">
            {job ? (
              <Link to="/jobs/$id" params={{ id: job }}>
                {type ?? id}
              </Link>
            ) : (
              (type ?? id)
            )}
            {type !== undefined && <span className="soft">step {id}</span>}
            <StateBadge state={state} />
          </li>
        ))}
        {steps.length > atMost && <li className="soft">and {steps.length - atMost} more</li>}
      </ul>
    </Fact>
  );
}
