import type { LoggedEvent } from '@ojs-ts/core/schemas';
import { useRef } from 'react';
import { useAction } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { hasWorkflow } from '../../live/summary.ts';
import { useSearchTexts } from '../../search.ts';
import { Button, Loaded, StateBadge, WorkflowLink } from '../../ui/index.ts';
import { type Entry, EventList, textAt } from './event-list.tsx';
import { Subject } from './subject.tsx';
import { searchOf, type Target } from './targets.ts';
import { type Documents, followed, useDocument, useEvents } from './watch.ts';

type WorkflowFields = Documents['workflow'];
type Step = Partial<NonNullable<WorkflowFields['steps']>[number]> & { readonly name?: string };

const ended: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled']);

/** A workflow, its steps and what happens to it, until it ends. */
export function FollowWorkflow({ target }: { readonly target: Target }) {
  const { id } = target;
  const mayRead = useMay('event.list');
  const mayCancel = useMay('workflow.cancel');
  const jobs = useRef<ReadonlySet<string>>(new Set());
  const workflow = useDocument('workflow', id, {
    // The start of a step is an event of its job alone.
    live: (summary) => hasWorkflow(summary, id) || summary.jobs.some((job) => jobs.current.has(job)),
    // A callback that was made with the end still runs.
    isOver: (fields) => ended.has(fields.state) && stepsOf(fields).every((step) => !isOpen(step)),
  });
  const shown = workflow.data?.fields;
  jobs.current = new Set(shown === undefined ? [] : stepsOf(shown).flatMap(({ job_id }) => job_id ?? []));
  const log = useEvents({
    target,
    enabled: mayRead,
    live: (summary) => hasWorkflow(summary, id),
    isAbout: ({ data }) => data.workflow_id === id,
    isOver: (events) => ended.has(events.at(-1)?.type.slice('workflow.'.length) ?? ''),
  });
  const cancel = useAction('workflow.cancel', { changes: followed, done: 'The workflow is cancelled.' });
  return (
    <Loaded query={workflow}>
      {({ fields, node }) => (
        <Subject
          name={fields.name || fields.type}
          id={id}
          state={fields.state}
          node={node}
          link={<WorkflowLink id={id} text="Page of the workflow" />}
          actions={
            !ended.has(fields.state) &&
            mayCancel && (
              <Button kind="danger" onClick={() => cancel.mutate({ params: { id } })}>
                Cancel workflow
              </Button>
            )
          }
        >
          <Steps steps={stepsOf(fields)} after={target.after} />
          <EventList log={log} entryOf={entryOf} />
        </Subject>
      )}
    </Loaded>
  );
}

function Steps({ steps, after }: { readonly steps: readonly Step[]; readonly after: string | null }) {
  const { change } = useSearchTexts();
  return (
    <>
      <h3 id="playground-steps">Steps</h3>
      <ul className="playground-steps" aria-labelledby="playground-steps">
        {steps.map(({ id = '', name = id, type = '', state = '', job_id: job }) => (
          <li key={id || name}>
            <StateBadge state={state ?? ''} />
            <span className="detail">
              <b>{name}</b> {type}
            </span>
            {job && (
              <Button
                size="small"
                aria-label={`Show job ${name}`}
                onClick={() => change(searchOf({ kind: 'job', id: job, after }))}
              >
                Show job
              </Button>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

function stepsOf({ steps = [], jobs = [], callbacks = {} }: WorkflowFields): readonly Step[] {
  return [...steps, ...jobs, ...Object.entries(callbacks).map(([name, callback]) => ({ name, ...callback }))];
}

function isOpen({ state }: Step): boolean {
  return state !== undefined && ['available', 'active', 'retryable', 'scheduled'].includes(state);
}

function entryOf({ id, type: kind, time: at, data }: LoggedEvent): Entry {
  const state = kind.slice('workflow.'.length);
  const left = textAt(data, 'steps_remaining');
  const details = [
    textAt(data, 'callback'),
    textAt(data, 'step_id'),
    textAt(data, 'job_type'),
    textAt(data, 'error', 'message'),
    left === '' ? '' : `${left} left`,
  ];
  const detail = details.filter((text) => text !== '').join(' · ');
  return { id, kind, at, state: ended.has(state) ? state : '', detail };
}
