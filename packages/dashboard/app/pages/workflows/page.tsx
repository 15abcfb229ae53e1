import type { WorkflowSummary } from '@ojs-ts/core/schemas';
import { Link } from '@tanstack/react-router';
import { formatCount } from '../../format/numbers.ts';
import { formatDuration } from '../../format/times.ts';
import { hasType } from '../../live/summary.ts';
import { useSearchTexts } from '../../search.ts';
import type { Column } from '../../ui/data-table.tsx';
import { GrowingTable, useGrowingList } from '../../ui/growing-list.tsx';
import { CopyAs, Empty, Page as Frame, Select, StateBadge, Time, WorkflowLink } from '../../ui/index.ts';

const states = [['', 'All states'], 'running', 'completed', 'failed', 'cancelled'] as const;

export function Page() {
  const { search, change } = useSearchTexts();
  const { state } = search;
  const list = useGrowingList('workflow.list', {
    query: { state },
    rowsOf: ({ items }) => items,
    live: (summary) => hasType(summary, 'workflow.'),
  });
  return (
    <Frame
      title="Workflows"
      actions={
        <>
          <Select
            aria-label="State"
            value={state ?? ''}
            onChange={(next) => change({ state: next || undefined })}
            options={states}
          />
          <CopyAs
            operation="workflow.list"
            options={{ query: { state } }}
            command={`workflows list${state ? ` --state ${state}` : ''}`}
          />
        </>
      }
    >
      <GrowingTable
        label="Workflows"
        list={list}
        columns={columns}
        idOf={({ id }) => id}
        none={
          <Empty title={state ? `No workflow is ${state}` : 'No workflow yet'}>
            <p>A workflow runs jobs one after the other, side by side, or as a graph.</p>
            <p>
              Start one from your code, or from the <Link to="/playground">playground</Link>.
            </p>
          </Empty>
        }
      />
    </Frame>
  );
}

const columns: readonly Column<WorkflowSummary>[] = [
  { id: 'name', label: 'Workflow', align: 'clip', cell: ({ id, name }) => <WorkflowLink id={id} text={name ?? id} /> },
  { id: 'form', label: 'Kind', cell: ({ type }) => type },
  { id: 'state', label: 'State', cell: ({ state }) => <StateBadge state={state} /> },
  {
    id: 'progress',
    label: 'Jobs done',
    cell: ({ name, id, jobs_completed, jobs_total }) => (
      <span className="row nowrap">
        <progress aria-label={`Progress of ${name ?? id}`} max={Math.max(1, jobs_total)} value={jobs_completed} />
        {formatCount(jobs_completed)} of {formatCount(jobs_total)}
      </span>
    ),
  },
  { id: 'failed', label: 'Failed', align: 'number', cell: ({ metadata }) => formatCount(metadata.failed_count) },
  { id: 'created', label: 'Started', cell: ({ created_at }) => <Time at={created_at} /> },
  {
    id: 'length',
    label: 'Took',
    align: 'number',
    cell: ({ created_at, completed_at }) =>
      completed_at ? formatDuration(Date.parse(completed_at) - Date.parse(created_at)) : '–',
  },
];
