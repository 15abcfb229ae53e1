import { readDocument } from '@ojs-ts/core/json';
import type { LoggedEvent } from '@ojs-ts/core/schemas';
import { useState } from 'react';
import { useMay } from '../../api/session.ts';
import { stringify } from '../../json/numeral.ts';
import './events.css';
import { useSearchTexts } from '../../search.ts';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import {
  Badge,
  Button,
  CronLink,
  JobLink,
  QueueLink,
  Time,
  type Tone,
  WorkerLink,
  WorkflowLink,
} from '../../ui/index.ts';
import { JsonTree } from '../../ui/json-tree.tsx';

const bad = /\.(failed|discarded|timeout|stalled|total_timeout|rejected|step_failed|job_failed)$/;
const good = /\.(completed|step_completed|job_completed)$/;

const columns: readonly Column<LoggedEvent>[] = [
  { id: 'at', label: 'When', cell: ({ time }) => <Time at={time} /> },
  { id: 'kind', label: 'Kind', cell: ({ type }) => <Badge tone={toneOf(type)}>{type}</Badge> },
  { id: 'about', label: 'About', align: 'clip', cell: (event) => <Subject event={event} /> },
  { id: 'type', label: 'Job type', align: 'clip', cell: ({ data }) => text(data.job_type) },
  { id: 'queue', label: 'Queue', align: 'clip', cell: ({ data }) => text(data.queue) },
  { id: 'data', label: 'Data', align: 'fill', cell: ({ data }) => <Data data={data} /> },
  { id: 'replay', label: 'Actions', cell: (event) => <FromHere event={event} /> },
];

export function EventTable({ events }: { readonly events: readonly LoggedEvent[] }) {
  return <DataTable label="Events" rows={events} columns={columns} idOf={({ id }) => id} />;
}

/** In one line, and all of it when it is opened. */
function Data({ data }: { readonly data: LoggedEvent['data'] }) {
  const [isOpen, setOpen] = useState(false);
  const text = restOf(data);
  if (text === '{}') return null;
  return (
    <details className="event-data" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary className="mono soft" title={text.slice(0, 1_000)}>
        {text}
      </summary>
      {isOpen && <JsonTree node={readDocument(text)} label="Data" />}
    </details>
  );
}

function FromHere({ event: { id, type } }: { readonly event: LoggedEvent }) {
  const { change } = useSearchTexts();
  return (
    <Button size="small" kind="plain" aria-label={`From here: ${type}`} onClick={() => change({ after: id })}>
      From here
    </Button>
  );
}

const links: Partial<Record<string, typeof JobLink>> = {
  job: JobLink,
  workflow: WorkflowLink,
  worker: WorkerLink,
  queue: QueueLink,
  cron: CronLink,
};

function Subject({ event: { type, subject = '' } }: { readonly event: LoggedEvent }) {
  const [about = ''] = type.split('.');
  const Target = links[about];
  // Other steps of a workflow may be in queues that the caller does not see.
  const mayFollow = useMay('workflow.list') || about !== 'workflow';
  return Target && mayFollow ? <Target id={subject} /> : subject;
}

function toneOf(type: string): Tone {
  if (bad.test(type)) return 'bad';
  return good.test(type) ? 'good' : 'mute';
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

const shownElsewhere = new Set(['job_id', 'job_type', 'queue', 'workflow_id', 'worker_id', 'name']);

function restOf(data: LoggedEvent['data']): string {
  return stringify(Object.fromEntries(Object.entries(data).filter(([name]) => !shownElsewhere.has(name))));
}
