import './job.css';
import { elements } from '@ojs-ts/core';
import { Link, useParams } from '@tanstack/react-router';
import { useCall } from '../../api/calls.ts';
import { isMissing } from '../../api/failure.ts';
import { useMay } from '../../api/session.ts';
import { hasJob } from '../../live/summary.ts';
import {
  Card,
  CopyButton,
  Empty,
  Failure,
  Page as Frame,
  JobStateBadge,
  Loading,
  WorkflowLink,
} from '../../ui/index.ts';
import { Actions } from './actions.tsx';
import { Attempts, ErrorDetail } from './attempts.tsx';
import { Checkpoint } from './checkpoint.tsx';
import { DurableSteps } from './durable-steps.tsx';
import { MainFacts, Policies } from './facts.tsx';
import { historyQuery, isEnded, type JobDocument, useJob } from './job.ts';
import { Payload } from './payload.tsx';
import { Progress } from './progress.tsx';
import { Relations } from './relations.tsx';
import { lifeOf } from './spans.ts';
import { Waterfall } from './waterfall.tsx';
import { Why } from './why.tsx';

/** One job: why it waits, what has happened to it, and with what. */
export function Page() {
  const { id = '' } = useParams({ strict: false });
  const { data, error, refetch } = useJob(id);
  if (data === undefined) {
    return (
      <Frame title="Job">
        {isMissing(error) ? (
          <NotFound id={id} />
        ) : error === null ? (
          <Loading lines={8} />
        ) : (
          <Failure error={error} retry={() => void refetch()} />
        )}
      </Frame>
    );
  }
  const { type } = data.job;
  return (
    <Frame
      title={type}
      aside={<JobStateBadge job={data.job} />}
      actions={<Actions key={id} document={data} />}
      lead={
        <span className="job-id">
          <code>{id}</code> <CopyButton text={id} what="the id" />
        </span>
      }
    >
      {isMissing(error) ? (
        <p className="notice" role="status">
          The server has removed this job. The page shows its last state.
        </p>
      ) : (
        error !== null && <Failure error={error} retry={() => void refetch()} />
      )}
      <Body key={id} document={data} />
    </Frame>
  );
}

function Body({ document }: { readonly document: JobDocument }) {
  const { job, parts } = document;
  const { id, state } = job;
  const history = useCall('job.history', {
    params: { id },
    query: historyQuery,
    live: (summary) => hasJob(summary, id),
  });
  const life = history.data && lifeOf(history.data.events);
  return (
    <div className="job">
      <div className="job-main">
        <Why job={job} />
        <Progress document={document} />
        {/* The answer to how a job ended names its error. */}
        {!isEnded(state) && <LastError text={parts.get('errors') ?? '[]'} />}
        <Payload title="Arguments" text={parts.get('args') ?? '[]'} />
        {state === 'completed' && <Payload title="Result" text={parts.get('result') ?? 'null'} />}
        {parts.has('parent_results') && (
          <Payload title="Results of parents" text={parts.get('parent_results') ?? '[]'} />
        )}
        <DurableSteps job={job} />
        {life && <Waterfall life={life} />}
        {life && <Attempts life={life} errors={parts.get('errors') ?? '[]'} />}
        {history.error !== null && <Failure error={history.error} retry={() => void history.refetch()} />}
        {job.has_checkpoint && <Checkpoint id={id} />}
        <Payload title="Meta" text={parts.get('meta') ?? '{}'} isPayload={false} />
      </div>
      <div className="job-side">
        <MainFacts job={job} />
        <Relations job={job} />
        <Policies document={document} />
      </div>
    </div>
  );
}

function NotFound({ id }: { readonly id: string }) {
  const mayAudit = useMay('audit.list');
  return (
    <Empty title="There is no such job">
      <p>
        No job has the id <code className="breaks">{id}</code>. The server removes ended jobs when their retention is
        over. The id may also be of another server or of a workflow.
      </p>
      <p className="row">
        <Link to="/jobs">All jobs</Link>
        <WorkflowLink id={id} text="Look for a workflow" />
        <Link to="/events">Events</Link>
        {mayAudit && (
          <Link to="/audit" search={{ about: id }}>
            Who deleted it
          </Link>
        )}
      </p>
    </Empty>
  );
}

/** The last error, near the top; the attempts below have the others. */
function LastError({ text }: { readonly text: string }) {
  const last = elements(text).at(-1);
  if (last === undefined) return null;
  return (
    <Card title="Last error">
      <ErrorDetail text={last} isOpen={false} />
    </Card>
  );
}
