import { useState } from 'react';
import { useCall } from '../../api/calls.ts';
import { Button } from '../../ui/button.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { EventTable } from './event-table.tsx';
import type { EventFilter } from './filters.tsx';

const shown = 200;

/** The newest events, following the log until the reader pauses. */
export function Tail({ filter }: { readonly filter: EventFilter }) {
  const [isPaused, setPaused] = useState(false);
  const query = useCall('event.list', {
    query: { ...filter, order: 'desc', limit: shown },
    live: () => !isPaused,
    keepLast: true,
  });
  return (
    <>
      <div className="row">
        <Button
          onClick={() => {
            setPaused(!isPaused);
            if (isPaused) void query.refetch();
          }}
        >
          {isPaused ? 'Follow again' : 'Pause'}
        </Button>
        <span className="soft" role="status">
          {isPaused ? 'Paused' : `Following; the newest ${shown} are shown`}
        </span>
      </div>
      <Loaded query={query}>
        {({ events }) =>
          events.length === 0 ? (
            <Empty title="No event">
              <p>Nothing like this has happened, or the log no longer has it.</p>
            </Empty>
          ) : (
            <EventTable events={events} />
          )
        }
      </Loaded>
    </>
  );
}
