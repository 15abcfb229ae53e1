import { Link, useParams } from '@tanstack/react-router';
import { lazy, Suspense, useMemo, useRef } from 'react';
import { useAction, useCall } from '../../api/calls.ts';
import { isMissing } from '../../api/failure.ts';
import { IfMay, useMay } from '../../api/session.ts';
import { hasWorkflow } from '../../live/summary.ts';
import { useSearchTexts } from '../../search.ts';
import {
  ConfirmButton,
  CopyAs,
  CopyButton,
  Empty,
  Page as Frame,
  Loaded,
  Loading,
  StateBadge,
} from '../../ui/index.ts';
import { Tabs } from '../../ui/tabs.tsx';
import { Again } from './again.tsx';
import { collapsed, isFailed, single } from './boxes.ts';
import { FailedSteps } from './failed-steps.tsx';
import { Progress } from './progress.tsx';
import { Waterfall } from './waterfall.tsx';

const Graph = lazy(async () => ({ default: (await import('./graph.tsx')).Graph }));
const views = [
  { name: 'graph', label: 'Graph' },
  { name: 'waterfall', label: 'Waterfall' },
] as const;
/** Beyond it a graph is drawn by types of jobs: a thousand boxes cannot be read. */
const mostNodes = 1_000;

export function Page() {
  const { id = '' } = useParams({ strict: false });
  const { search, change } = useSearchTexts();
  // The start of a step is an event of its job alone.
  const jobs = useRef<ReadonlySet<string>>(new Set());
  const graph = useCall('workflow.graph', {
    params: { id },
    live: (summary) => hasWorkflow(summary, id) || summary.jobs.some((job) => jobs.current.has(job)),
  });
  jobs.current = useMemo(() => new Set(graph.data?.nodes.flatMap(({ job_id }) => job_id ?? [])), [graph.data]);
  const mayCancel = useMay('workflow.cancel');
  const cancel = useAction('workflow.cancel', { changes: ['workflow.graph', 'workflow.list'], done: 'Cancelled.' });
  const view = search.view === 'waterfall' ? 'waterfall' : 'graph';
  const failedOnly = search.failed === 'yes';
  const follows = search.follow === 'yes';
  const { name = null, state = '' } = graph.data ?? {};
  if (isMissing(graph.error)) {
    return (
      <Frame title="Workflow">
        <Empty title="There is no such workflow">
          <p>
            The server may have removed it after its retention.{' '}
            <IfMay call="workflow.list">
              <Link to="/workflows">See all workflows</Link>
            </IfMay>
          </p>
        </Empty>
      </Frame>
    );
  }
  return (
    <Frame
      title={name ?? 'Workflow'}
      aside={
        <span className="row">
          {state !== '' && <StateBadge state={state} />}
          <code className="soft">{id}</code>
          <CopyButton text={id} what="the id" />
        </span>
      }
      actions={
        <>
          {graph.data !== undefined && <Again id={id} state={state} nodes={graph.data.nodes} />}
          <ConfirmButton
            shown={mayCancel && state === 'running'}
            text="Cancel workflow…"
            size="small"
            kind="danger"
            title="Cancel this workflow?"
            confirm="Cancel workflow"
            destroys
            onConfirm={() => cancel.mutateAsync({ params: { id } })}
          >
            Jobs that have not started are cancelled. Running jobs continue to their end, and what they return no longer
            changes the workflow. Completed jobs stay completed.
          </ConfirmButton>
          <CopyAs
            operation="workflow.graph"
            options={{ params: { id } }}
            command={`workflows show ${id}`}
            code={`await client.getWorkflow('${id}');`}
          />
        </>
      }
    >
      <Tabs
        label="View"
        tabs={views}
        current={view}
        onChange={(next) => change({ view: next === 'graph' ? undefined : next })}
      />
      <div className="row">
        <label className="check">
          <input
            type="checkbox"
            checked={failedOnly}
            onChange={() => change({ failed: failedOnly ? undefined : 'yes' })}
          />
          Failed only
        </label>
        {view === 'graph' && (
          <label className="check">
            <input type="checkbox" checked={follows} onChange={() => change({ follow: follows ? undefined : 'yes' })} />
            Follow what runs
          </label>
        )}
      </div>
      <Loaded query={graph} lines={8}>
        {({ nodes }) => {
          const shown = failedOnly ? nodes.filter(isFailed) : nodes;
          return (
            <>
              <Progress nodes={nodes} />
              <FailedSteps nodes={nodes} />
              {shown.length === 0 ? (
                <Empty title="No job has failed" />
              ) : view === 'waterfall' ? (
                <Waterfall nodes={shown} />
              ) : (
                <Suspense fallback={<Loading lines={8} />}>
                  <Graph
                    workflow={id}
                    boxes={shown.length > mostNodes ? collapsed(shown) : single(shown)}
                    follows={follows}
                  />
                </Suspense>
              )}
            </>
          );
        }}
      </Loaded>
    </Frame>
  );
}
