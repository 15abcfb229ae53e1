import type { BulkOperation } from '@ojs-ts/core/schemas';
import { Link } from '@tanstack/react-router';
import { formatCount } from '../../format/numbers.ts';
import { stringify } from '../../json/numeral.ts';
import { useSearchTexts } from '../../search.ts';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { BulkLink, CopyAs, Empty, Page as Frame, Loaded, Principal, Select, Time } from '../../ui/index.ts';
import { aboutOf } from './about.ts';
import { wordsOf } from './actions.ts';
import './bulk.css';
import { Controls } from './controls.tsx';
import { OperationState, Progress } from './progress.tsx';
import { useOperations } from './use-operation.ts';

const columns: readonly Column<BulkOperation>[] = [
  {
    id: 'action',
    label: 'Action',
    cell: (one) => <BulkLink id={one.id} preload={false} text={wordsOf(one.action).verb} />,
  },
  { id: 'state', label: 'State', cell: ({ state }) => <OperationState state={state} /> },
  { id: 'about', label: 'Jobs', align: 'clip', cell: (one) => <code>{aboutOf(one, stringify)}</code> },
  { id: 'progress', label: 'Progress', cell: (one) => <Progress operation={one} label={`Progress of ${one.id}`} /> },
  { id: 'changed', label: 'Changed', align: 'number', cell: ({ changed }) => formatCount(changed) },
  { id: 'by', label: 'By', align: 'clip', cell: ({ created_by }) => <Principal id={created_by} /> },
  { id: 'started', label: 'Started', cell: ({ started_at }) => <Time at={started_at} /> },
  { id: 'controls', label: 'Actions', cell: (one) => <Controls operation={one} size="small" /> },
];

const states = [['', 'All states'], 'running', 'stopped', 'done', 'failed'] as const;

/** Changes of many jobs: those that run, and those of the last week. */
export function Page() {
  const { search, change } = useSearchTexts();
  const { state = '' } = search;
  const query = useOperations();
  return (
    <Frame
      title="Bulk operations"
      lead="Changes of many jobs at once. The server continues after you close the page."
      actions={
        <>
          <Select
            className="state-choice"
            aria-label="State"
            value={state}
            onChange={(next) => change({ state: next || undefined })}
            options={states}
          />
          <CopyAs operation="bulk.list" options={{}} command="bulk list" />
        </>
      }
    >
      <Loaded query={query}>
        {({ items }) => {
          const shown = items.filter((one) => state === '' || one.state === state);
          if (items.length === 0) {
            return (
              <Empty title="No bulk operations">
                <p>
                  On the <Link to="/jobs">jobs page</Link>, choose an action for all jobs that match a query. Operations
                  are kept for a week after their end.
                </p>
                <pre>ojs jobs retry --query 'error~timeout age&lt;2h'</pre>
              </Empty>
            );
          }
          if (shown.length === 0) return <Empty title={`No operation is ${state}`} />;
          return <DataTable label="Bulk operations" rows={shown} columns={columns} idOf={({ id }) => id} />;
        }}
      </Loaded>
    </Frame>
  );
}
