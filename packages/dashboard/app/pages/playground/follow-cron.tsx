import type { LoggedEvent } from '@ojs-ts/core/schemas';
import { useAction } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { hasType, type Summary } from '../../live/summary.ts';
import { useSearchTexts } from '../../search.ts';
import { Button, ConfirmButton, CronLink, Loaded, Time } from '../../ui/index.ts';
import { CronButtons } from '../crons/cron-buttons.tsx';
import { type Entry, EventList, textAt } from './event-list.tsx';
import { Subject } from './subject.tsx';
import { removeSent, searchOf, type Target } from './targets.ts';
import { followed, useDocument, useEvents } from './watch.ts';

const live = (summary: Summary): boolean => hasType(summary, 'cron.');
const isOver = (): boolean => false;

/** A cron and the jobs that it enqueues, until it is deleted. */
export function FollowCron({ target }: { readonly target: Target }) {
  const { id: name, after } = target;
  const { change } = useSearchTexts();
  const mayRead = useMay('event.list');
  const mayRemove = useMay('cron.remove');
  const cron = useDocument('cron', name, { live, isOver });
  const log = useEvents({
    target,
    enabled: mayRead,
    live,
    isAbout: ({ data }) => data.cron_name === name,
    isOver,
  });
  const remove = useAction('cron.remove', {
    changes: followed,
    done: `Deleted ${name}.`,
    onDone: () => {
      removeSent(target);
      change({ follow: undefined, after: undefined });
    },
  });
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
          link={<CronLink id={name} text="Page of the cron" />}
          actions={
            <>
              <CronButtons cron={fields} />
              <ConfirmButton
                shown={mayRemove}
                text="Delete cron…"
                size="small"
                kind="danger"
                title={`Delete ${name}?`}
                confirm="Delete"
                destroys
                onConfirm={() => remove.mutateAsync({ params: { name } })}
              >
                No further run begins. Jobs of earlier runs stay.
              </ConfirmButton>
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
        </Subject>
      )}
    </Loaded>
  );
}
