import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useMay } from '../../api/session.ts';
import { useLive } from '../../live/refresh.ts';
import { Loaded, StateBadge, Time } from '../../ui/index.ts';
import type { EventLog } from './watch.ts';

export interface Entry {
  readonly id: string;
  readonly kind: string;
  readonly at: string;
  /** Empty if the event has none. */
  readonly state: string;
  readonly detail: string;
  readonly action?: ReactNode;
}

export interface EventListProps {
  readonly log: UseQueryResult<EventLog, Error>;
  readonly entryOf: (event: EventLog['events'][number]) => Entry;
}

/** The events of the target, in the order of the log. */
export function EventList({ log, entryOf }: EventListProps) {
  const mayRead = useMay('event.list');
  const isRefused = useLive().state === 'refused';
  if (!mayRead) return <p className="soft">Your role may not read events. The page asks every 5 s.</p>;
  if (isRefused) return <p className="soft">This server keeps no events. The page asks every 5 s.</p>;
  return (
    <div className="stack">
      <h3>Events</h3>
      <Loaded query={log} lines={2}>
        {({ events }) => (
          <div role="log" aria-label="Events">
            {events.length === 0 && <p className="soft">No events yet.</p>}
            <ol className="playground-events">
              {events.map(entryOf).map(({ id, kind, at, state, detail, action }) => (
                <li key={id}>
                  {state !== '' && <StateBadge state={state} />}
                  <code>{kind}</code>
                  <span className="detail small">{detail}</span>
                  {action}
                  <span className="soft small">
                    <Time at={at} />
                  </span>
                </li>
              ))}
            </ol>
          </div>
        )}
      </Loaded>
    </div>
  );
}

/** A text of an event's data, or of what is in it; empty for anything else. */
export function textAt(value: unknown, ...path: readonly string[]): string {
  const [name, ...rest] = path;
  if (name !== undefined) {
    return typeof value === 'object' && value !== null
      ? textAt(Object.entries(value).find(([key]) => key === name)?.[1], ...rest)
      : '';
  }
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
