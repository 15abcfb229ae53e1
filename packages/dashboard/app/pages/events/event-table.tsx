import { readDocument } from '@ojs-ts/core/json';
import type { LoggedEvent } from '@ojs-ts/core/schemas';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { IfMay } from '../../access/if-may.tsx';
import { stringify } from '../../json/numeral.ts';
import './events.css';
import { useSearchTexts } from '../../search.ts';
import { Badge, type Tone } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { JsonTree } from '../../ui/json-tree.tsx';
import { Time } from '../../ui/time.tsx';

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

function Subject({ event: { type, subject = '' } }: { readonly event: LoggedEvent }) {
  const [about] = type.split('.');
  const id = { params: { id: subject }, children: subject };
  const name = { params: { name: subject }, children: subject };
  if (about === 'job') return <Link to="/jobs/$id" {...id} />;
  if (about === 'workflow')
    return (
      // Its other steps may be in queues that the caller does not see.
      <IfMay call="workflow.list" otherwise={subject}>
        <Link to="/workflows/$id" {...id} />
      </IfMay>
    );
  if (about === 'worker')
    return (
      <IfMay call="worker.get" otherwise={subject}>
        <Link to="/workers/$id" {...id} />
      </IfMay>
    );
  if (about === 'queue') return <Link to="/queues/$name" {...name} />;
  if (about === 'cron') return <Link to="/crons/$name" {...name} />;
  return <>{subject}</>;
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
