import { isUuidv7 } from '@ojs-ts/core';
import type { Answers, Worker } from '@ojs-ts/core/schemas';
import { useState } from 'react';
import { useAction, useCall } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { formatCount } from '../../format/numbers.ts';
import { useSearchTexts } from '../../search.ts';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { FindField } from '../../ui/find-field.tsx';
import { Button, ConfirmButton, CopyAs, Empty, Page as Frame, Loaded, Tile, WorkerLink } from '../../ui/index.ts';
import { Pager, usePage } from '../../ui/pager.tsx';
import { Heartbeat, Lag, Memory, Slots, State } from './cells.tsx';
import { describe, hasWorkers } from './description.ts';
import { WorkerButtons } from './worker-buttons.tsx';
import './workers.css';

/** The most that the server lists at once. */
const perPage = 100;

export function Page() {
  const { search, change } = useSearchTexts();
  const page = usePage();
  const mayDirect = useMay('worker.direct');
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const workers = useCall('worker.list', {
    query: { limit: perPage, page },
    live: hasWorkers,
    refreshMs: 5_000,
    keepLast: true,
  });
  return (
    <Frame
      title="Workers"
      actions={<CopyAs operation="worker.list" options={{}} command="workers list" code="await admin.listWorkers();" />}
    >
      <Loaded query={workers}>
        {(answer) => {
          const { items, pagination } = answer;
          if (items.length === 0 && page === 1) {
            return (
              <Empty title="No worker yet">
                <p>A worker appears with its first heartbeat or fetch. Start one in your code:</p>
                <code>{`await new Worker('${location.origin}', { queues: ['default'] }).start();`}</code>
              </Empty>
            );
          }
          const found = items.filter((worker) => isFound(worker, search.find ?? '', search.state));
          const chosen = found.filter(({ id }) => selected.has(id)).map(({ id }) => id);
          return (
            <>
              <Figures {...answer} />
              <div className="row">
                <FindField name="find" label="Find a worker" placeholder="Find by id, host, queue or label" />
                {search.state !== undefined && (
                  <Button size="small" onClick={() => change({ state: undefined })}>
                    Show all states
                  </Button>
                )}
              </div>
              {chosen.length > 0 && <Selected ids={chosen} onDone={() => setSelected(new Set())} />}
              {found.length === 0 ? (
                <Empty title="No worker matches" />
              ) : (
                <div className="workers">
                  <DataTable
                    label="Workers"
                    rows={found}
                    columns={columns}
                    idOf={({ id }) => id}
                    hidden={unused(found)}
                    {...(mayDirect && { selection: { ids: selected, change: setSelected } })}
                  />
                </div>
              )}
              <Pager pagination={pagination} />
              <p className="soft small">
                A worker that only fetches sends no heartbeat: its load is unknown, and it cannot be told anything. A
                silent worker becomes stale, and others get its jobs.
              </p>
            </>
          );
        }}
      </Loaded>
    </Frame>
  );
}

function isFound(worker: Worker, asked: string, state: string | undefined): boolean {
  const { hostname, pid, queues, labels, version } = describe(worker);
  const text = [worker.id, hostname, pid, version, ...queues, ...labels].join(' ').toLowerCase();
  return (state === undefined || worker.state === state) && text.includes(asked.toLowerCase());
}

const columns: readonly Column<Worker>[] = [
  {
    id: 'worker',
    label: 'Worker',
    align: 'clip',
    cell: ({ id }) => <WorkerLink id={id} title={id} text={shortOf(id)} />,
  },
  {
    id: 'host',
    label: 'Host',
    align: 'clip',
    cell: (worker) => {
      const { hostname, pid } = describe(worker);
      return <Clipped text={pid === '' ? hostname : `${hostname}:${pid}`} />;
    },
  },
  {
    id: 'queues',
    label: 'Queues',
    align: 'clip',
    cell: (worker) => <Clipped text={describe(worker).queues.join(', ')} />,
  },
  { id: 'state', label: 'State', cell: (worker) => <State worker={worker} /> },
  { id: 'heartbeat', label: 'Heartbeat', cell: (worker) => <Heartbeat worker={worker} /> },
  { id: 'slots', label: 'Slots', align: 'number', cell: (worker) => <Slots worker={worker} /> },
  { id: 'lag', label: 'Loop lag', align: 'number', cell: (worker) => <Lag worker={worker} /> },
  { id: 'memory', label: 'Memory', align: 'number', cell: ({ load }) => <Memory bytes={load?.rss_bytes} /> },
  { id: 'actions', label: 'Actions', cell: (worker) => <WorkerButtons worker={worker} /> },
  {
    id: 'labels',
    label: 'Labels',
    align: 'clip',
    cell: (worker) => <Clipped text={describe(worker).labels.join(', ')} />,
  },
  { id: 'version', label: 'Version', align: 'clip', cell: (worker) => <Clipped text={describe(worker).version} /> },
];

/** Ids that begin with a time differ only at their end. */
function shortOf(id: string): string {
  return isUuidv7(id) ? `…${id.slice(-12)}` : id;
}

function Clipped({ text }: { readonly text: string }) {
  return <span title={text}>{text || '–'}</span>;
}

/** Most workers name no label and no version. */
function unused(workers: readonly Worker[]): readonly string[] {
  const all = workers.map(describe);
  return [
    ...(all.some(({ labels }) => labels.length > 0) ? [] : ['labels']),
    ...(all.some(({ version }) => version !== '') ? [] : ['version']),
  ];
}

const states = [
  ['total', 'All workers', undefined],
  ['running', 'Running', 'running'],
  ['quiet', 'Quiet', 'quiet'],
  ['terminate', 'Stopping', 'terminate'],
  ['stale', 'Stale', 'stale'],
] as const;

/** How many workers there are in each state, each figure a filter, and the slots in use. */
function Figures({ items, summary }: Answers['worker.list']) {
  const told = items.flatMap((worker) => {
    const { slots } = describe(worker);
    return slots === null || worker.state === 'stale' ? [] : [{ slots, active: worker.active_jobs }];
  });
  const sum = (name: 'slots' | 'active'): number => told.reduce((total, one) => total + one[name], 0);
  return (
    <div className="tiles worker-figures">
      {states.map(([name, label, state]) => (
        <Tile
          key={name}
          to="/workers"
          search={({ find }) => ({ find, state })}
          label={label}
          value={formatCount(summary[name])}
          tone={state === 'stale' && summary.stale > 0 ? 'bad' : undefined}
        />
      ))}
      <Tile label="Slots in use" value={`${formatCount(sum('active'))} of ${formatCount(sum('slots'))}`} />
    </div>
  );
}

interface SelectedProps {
  readonly ids: readonly string[];
  readonly onDone: () => void;
}

/** Gives the selected workers an order, in one call. */
function Selected({ ids, onDone }: SelectedProps) {
  const direct = useAction('worker.direct', {
    changes: ['worker.list'],
    done: ({ succeeded, errors: [first], failed }) =>
      `Told ${workers(succeeded)}.${first === undefined ? '' : ` Not told: ${workers(failed)}. ${first.error}`}`,
    onDone,
  });
  const bodyOf = (directive: string) => ({ body: { directive, worker_ids: ids } });
  return (
    <section className="row" aria-label="Selected workers">
      <strong>{workers(ids.length)} selected</strong>
      <Button size="small" busy={direct.isPending} onClick={() => direct.mutate(bodyOf('quiet'))}>
        Quiet
      </Button>
      <Button size="small" busy={direct.isPending} onClick={() => direct.mutate(bodyOf('running'))}>
        Resume
      </Button>
      <ConfirmButton
        text="Stop…"
        size="small"
        kind="danger"
        title={`Stop ${workers(ids.length)}?`}
        confirm={`Stop ${workers(ids.length)}`}
        destroys
        typed={ids.length > 10 ? 'stop' : undefined}
        onConfirm={() => direct.mutateAsync(bodyOf('terminate'))}
      >
        The workers finish their running jobs and stop. Only their own supervisors can start them again.
      </ConfirmButton>
      <Button size="small" kind="plain" onClick={onDone}>
        Clear
      </Button>
    </section>
  );
}

function workers(count: number): string {
  return count === 1 ? '1 worker' : `${formatCount(count)} workers`;
}
