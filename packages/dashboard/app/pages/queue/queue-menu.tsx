import type { QueueOverview } from '@ojs-ts/core/schemas';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useAction } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { formatCount } from '../../format/numbers.ts';
import { useSearchTexts } from '../../search.ts';
import { Confirm } from '../../ui/index.ts';
import { Menu, type MenuItem } from '../../ui/menu.tsx';
import { showToast } from '../../ui/toasts.ts';

export function QueueMenu({ queue }: { readonly queue: QueueOverview }) {
  const [opened, setOpened] = useState<'purge' | 'delete' | null>(null);
  const navigate = useNavigate();
  const { change } = useSearchTexts();
  const mayPurge = useMay('queue.purge');
  const mayDelete = useMay('queue.delete');
  const remove = useAction('queue.delete', { done: `Deleted queue ${queue.name}.`, changes: ['admin.queues'] });
  const { name, counts } = queue;
  const kept = Object.values(counts).reduce((sum, count) => sum + count, 0) - counts.dead_letter;
  const items: MenuItem[] = [
    { label: 'Watch it drain', run: () => change({ drain: 'yes' }) },
    ...(mayPurge ? [{ label: 'Delete jobs…', kind: 'danger' as const, run: () => setOpened('purge') }] : []),
    ...(mayDelete ? [{ label: 'Delete queue…', kind: 'danger' as const, run: () => setOpened('delete') }] : []),
  ];
  return (
    <>
      <Menu label="More" size="small" items={items} />
      {opened === 'purge' && <Purge queue={queue} onClose={() => setOpened(null)} />}
      {opened === 'delete' && (
        <Confirm
          title={`Delete queue ${name}?`}
          confirm="Delete queue"
          destroys
          typed={name}
          onConfirm={async () => {
            await remove.mutateAsync({ params: { name } });
            await navigate({ to: '/queues' });
          }}
          onClose={() => setOpened(null)}
        >
          The queue has {formatCount(kept)} jobs. Only a queue without jobs can be deleted, so delete its jobs first.
          Its limits are deleted too.
        </Confirm>
      )}
    </>
  );
}

const states = ['completed', 'cancelled', 'discarded', 'available', 'scheduled', 'retryable', 'pending'] as const;
type PurgedState = (typeof states)[number];
/** No user waits for these any more, so no name is asked for. */
const ended: ReadonlySet<PurgedState> = new Set(['completed', 'cancelled']);

/** Deletes the jobs of a queue by state, after the count. Running jobs stay. */
function Purge({ queue, onClose }: { readonly queue: QueueOverview; readonly onClose: () => void }) {
  const { name, counts } = queue;
  const [chosen, setChosen] = useState<ReadonlySet<PurgedState>>(new Set(['completed']));
  const purge = useAction('queue.purge', { changes: ['admin.queue', 'admin.queues', 'admin.stats'] });
  const count = [...chosen].reduce((sum, state) => sum + counts[state], 0);
  // The server deletes for a second and says whether there are more.
  const remove = async (): Promise<void> => {
    const body = { states: [...chosen], confirm: true };
    let deleted = 0;
    for (let more = true; more; ) {
      const answer = await purge.mutateAsync({ params: { name }, body });
      deleted += answer.purged_count;
      more = answer.has_more;
    }
    showToast({ kind: 'done', text: `Deleted ${jobs(deleted)} of ${name}.` });
  };
  return (
    <Confirm
      title={`Delete jobs of ${name}`}
      confirm={`Delete ${jobs(count)}`}
      destroys
      {...(count > 0 && ![...chosen].every((state) => ended.has(state)) && { typed: name })}
      onConfirm={remove}
      onClose={onClose}
    >
      <fieldset className="stack">
        <legend>Which jobs? You cannot undo this.</legend>
        {states.map((state) => (
          <label key={state} className="check">
            <input
              type="checkbox"
              checked={chosen.has(state)}
              onChange={() => {
                const next = new Set(chosen);
                if (!next.delete(state)) next.add(state);
                setChosen(next);
              }}
            />
            {state} <span className="soft">{formatCount(counts[state])}</span>
          </label>
        ))}
      </fieldset>
    </Confirm>
  );
}

function jobs(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'job' : 'jobs'}`;
}
