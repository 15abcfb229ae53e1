import type { Cron, LoggedEvent } from '@ojs-ts/core/schemas';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useMay } from '../../api/session.ts';
import { hasType, type Summary } from '../../live/summary.ts';
import { useSearchTexts } from '../../search.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { Loaded } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';
import { CronButtons } from '../crons/cron-buttons.tsx';
import { type Entry, EventList, textAt } from './event-list.tsx';
import { Subject } from './subject.tsx';
import { removeSent, searchOf, type Target } from './targets.ts';
import { useChange } from './use-change.ts';
import { useDocument } from './use-document.ts';
import { useEvents } from './use-events.ts';

const live = (summary: Summary): boolean => hasType(summary, 'cron.');

/** A cron and the jobs that it enqueues, until it is deleted. */
export function FollowCron({ target }: { readonly target: Target }) {
  const { id: name, after } = target;
  const { change } = useSearchTexts();
  const [isAsking, setAsking] = useState(false);
  const mayRead = useMay('event.list');
  const mayRemove = useMay('cron.remove');
  const cron = useDocument<Cron>({
    operation: 'cron.get',
    params: { name },
    member: 'cron',
    live,
    isOver: () => false,
  });
  const log = useEvents({
    target,
    types: 'cron.*',
    enabled: mayRead,
    live,
    isAbout: ({ data }) => data.cron_name === name,
    isOver: () => false,
  });
  const run = useChange();
  const remove = async (): Promise<void> => {
    if (!(await run('cron.remove', { params: { name } }, `Deleted ${name}.`))) return;
    removeSent(target);
    change({ follow: undefined, after: undefined });
  };
  const entryOf = ({ id, type: kind, time: at, data }: LoggedEvent): Entry => {
    const job = textAt(data, 'job_id');
    const detail = textAt(data, 'reason') || textAt(data, 'job_type');
    const open = (
      <Button size="small" onClick={() => change(searchOf({ kind: 'job', id: job, after }))}>
        Show job
      </Button>
    );
    return { id, kind, at, state: '', detail, ...(job !== '' && { action: open }) };
  };
  return (
    <Loaded query={cron}>
      {({ fields, node }) => (
        <Subject
          name={name}
          id="cron"
          state={fields.enabled ? 'enabled' : 'paused'}
          node={node}
          link={
            <Link to="/crons/$name" params={{ name }}>
              Page of the cron
            </Link>
          }
          actions={
            <>
              <CronButtons cron={fields} />
              {mayRemove && (
                <Button size="small" kind="danger" onClick={() => setAsking(true)}>
                  Delete cron…
                </Button>
              )}
            </>
          }
        >
          <p className="soft">
            {fields.enabled ? (
              <>
                The cron runs until you delete it. Next run: <Time at={fields.next_run_at} />
              </>
            ) : (
              'A paused cron enqueues nothing.'
            )}
          </p>
          <EventList log={log} entryOf={entryOf} />
          {isAsking && (
            <Confirm
              title={`Delete ${name}?`}
              confirm="Delete"
              destroys
              onConfirm={remove}
              onClose={() => setAsking(false)}
            >
              No further run begins. Jobs of earlier runs stay.
            </Confirm>
          )}
        </Subject>
      )}
    </Loaded>
  );
}
