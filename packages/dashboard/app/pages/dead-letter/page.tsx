import type { BulkAction } from '@ojs-ts/core/bulk';
import type { DeadJob, ErrorGroup } from '@ojs-ts/core/schemas';
import { useState } from 'react';
import { useAction, useCall } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { formatCount } from '../../format/numbers.ts';
import { formatPeriod } from '../../format/times.ts';
import { hasType } from '../../live/summary.ts';
import { useSearchTexts } from '../../search.ts';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { GrowingTable, useGrowingList } from '../../ui/growing-list.tsx';
import {
  Button,
  Card,
  CopyAs,
  Empty,
  Page as Frame,
  JobLink,
  JobsLink,
  Loaded,
  quote,
  Select,
  Tile,
  Time,
} from '../../ui/index.ts';
import { JobPreview } from '../../ui/job-preview.tsx';
import { BulkDialog } from '../jobs/bulk-dialog.tsx';
import { BulkStrip } from '../jobs/bulk-strip.tsx';
import './error-groups.css';

export function Page() {
  const { search, change } = useSearchTexts();
  const { queue, fingerprint, operation } = search;
  const stats = useCall('deadLetter.stats', { live: (summary) => hasType(summary, 'job.', 'bulk.') });
  const mayRetry = useMay('bulk.start');
  const mayPurge = useMay('deadLetter.purge');
  const [asked, setAsked] = useState<BulkAction | null>(null);
  const chosen = Object.entries({ queue, fingerprint }).flatMap(([name, value]) => (value ? [[name, value]] : []));
  const flags = chosen.map(([name, value = '']) => `--${name} ${quote(value)}`);
  const groups = useErrorGroups();
  const error = groups.data?.items.find((group) => group.fingerprint === fingerprint);
  const total = stats.data?.total ?? 0;
  return (
    <Frame
      title="Dead letter"
      lead="Failed jobs that are kept for a decision, because their retry policy has onExhaustion: 'dead_letter'. Retry runs them again; Delete removes them."
      actions={
        <>
          {mayRetry && total > 0 && (
            <Button kind={chosen.length === 0 ? 'default' : 'primary'} onClick={() => setAsked('redrive')}>
              {chosen.length === 0 ? 'Retry all…' : 'Retry these…'}
            </Button>
          )}
          {mayPurge && total > 0 && (
            <Button kind="danger" onClick={() => setAsked('purge')}>
              Delete…
            </Button>
          )}
          <CopyAs
            operation="deadLetter.list"
            options={{ query: { queue, fingerprint } }}
            command={['dead-letter list', ...flags].join(' ')}
            code="await client.listDeadLetterJobs();"
          />
        </>
      }
    >
      {operation !== undefined && (
        <BulkStrip id={operation} onEnd={() => {}} onDismiss={() => change({ operation: undefined })} />
      )}
      <Loaded query={stats} lines={2}>
        {({ by_queue, oldest_at, retention }) =>
          total === 0 ? (
            <Empty title="No dead letters">
              <p>
                A job that fails for good is discarded, and comes here only if its retry policy has{' '}
                <code>onExhaustion: 'dead_letter'</code>. <JobsLink q="state:discarded" text="See all discarded jobs" />
              </p>
            </Empty>
          ) : (
            <>
              <div className="tiles">
                <Tile label="Jobs" value={formatCount(total)} note={`of at most ${formatCount(retention.max_count)}`} />
                <Tile
                  label="Oldest"
                  value={<Time at={oldest_at} />}
                  note={`kept for ${formatPeriod(retention.max_age)}`}
                />
                <div className="tile">
                  <label className="label" htmlFor="dead-queue">
                    Queue
                  </label>
                  <Select
                    id="dead-queue"
                    value={queue ?? ''}
                    onChange={(name) => change({ queue: name || undefined, fingerprint: undefined })}
                    options={[
                      ['', 'All queues'],
                      ...Object.entries(by_queue).map(
                        ([name, count]) => [name, `${name} (${formatCount(count)})`] as const,
                      ),
                    ]}
                  />
                </div>
              </div>
              <ErrorGroups />
              <DeadJobs />
            </>
          )
        }
      </Loaded>
      {asked !== null && (
        <BulkDialog
          action={asked}
          targets={{ kind: 'query', q: chosen.map((term) => term.join(':')).join(' ') }}
          about={error && `${error.error_type}: ${error.message}`}
          onStarted={([id]) => {
            setAsked(null);
            change({ operation: id });
          }}
          onClose={() => setAsked(null)}
        />
      )}
    </Frame>
  );
}

/** The dead jobs themselves, newest first. */
function DeadJobs() {
  const { queue, fingerprint } = useSearchTexts().search;
  const list = useGrowingList('deadLetter.list', {
    query: { queue, fingerprint },
    rowsOf: ({ jobs }) => jobs,
    live: (summary) => hasType(summary, 'job.', 'bulk.'),
  });
  return (
    <Card title="Jobs">
      <GrowingTable
        label="Dead jobs"
        list={list}
        columns={columns}
        idOf={({ id }) => id}
        none={<p className="soft">No dead letters match.</p>}
      />
    </Card>
  );
}

const columns: readonly Column<DeadJob>[] = [
  { id: 'job', label: 'Job', align: 'clip', cell: ({ id, type }) => <JobLink id={id} title={id} text={type} /> },
  { id: 'args', label: 'Args', align: 'clip', cell: (job) => <JobPreview job={job} /> },
  { id: 'queue', label: 'Queue', align: 'clip', cell: ({ queue }) => queue },
  { id: 'attempts', label: 'Attempts', align: 'number', cell: ({ attempt }) => attempt },
  {
    id: 'error',
    label: 'Last error',
    align: 'fill',
    cell: ({ error }) => <span title={error?.message}>{error?.message ?? '–'}</span>,
  },
  { id: 'at', label: 'Discarded', cell: ({ discarded_at }) => <Time at={discarded_at} /> },
  { id: 'actions', label: 'Actions', cell: (job) => <RetryButton job={job} /> },
];

function RetryButton({ job: { id, type } }: { readonly job: DeadJob }) {
  const retry = useAction('deadLetter.retry', {
    done: `${type} waits for a worker again.`,
    changes: ['deadLetter.list', 'deadLetter.stats', 'admin.errors'],
  });
  if (!useMay('deadLetter.retry')) return null;
  const call = { params: { id } };
  return (
    <Button size="small" aria-label={`Retry ${type} ${id}`} busy={retry.isPending} onClick={() => retry.mutate(call)}>
      Retry
    </Button>
  );
}

/** Returns the errors of the dead jobs of the chosen queue, the most frequent first. */
function useErrorGroups() {
  const { queue } = useSearchTexts().search;
  return useCall('admin.errors', {
    query: { dead_letter: true, queue, limit: 50 },
    live: (summary) => hasType(summary, 'job.', 'bulk.'),
    keepLast: true,
  });
}

/** The dead jobs by what went wrong, the most first. One group can be chosen. */
function ErrorGroups() {
  const { search, change } = useSearchTexts();
  const { fingerprint } = search;
  const errors = useErrorGroups();
  const columns: readonly Column<ErrorGroup>[] = [
    {
      id: 'error',
      label: 'Error',
      align: 'fill',
      cell: ({ error_type, message }) => (
        <span title={message}>
          {error_type}: {message}
        </span>
      ),
    },
    { id: 'jobs', label: 'Jobs', align: 'number', cell: ({ count }) => formatCount(count) },
    { id: 'first', label: 'First', cell: ({ first_at }) => <Time at={first_at} /> },
    { id: 'last', label: 'Last', cell: ({ last_at }) => <Time at={last_at} /> },
    {
      id: 'only',
      label: 'Actions',
      cell: (group) => {
        const isChosen = group.fingerprint === fingerprint;
        return (
          <Button
            size="small"
            aria-pressed={isChosen}
            onClick={() => change({ fingerprint: isChosen ? undefined : group.fingerprint })}
          >
            {isChosen ? 'Show all' : 'Only these'}
          </Button>
        );
      },
    },
  ];
  return (
    <Card title="By error">
      <Loaded query={errors}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="soft">No errors.</p>
          ) : (
            <div className="error-groups">
              <DataTable label="Errors" rows={items} columns={columns} idOf={(group) => group.fingerprint} />
            </div>
          )
        }
      </Loaded>
    </Card>
  );
}
