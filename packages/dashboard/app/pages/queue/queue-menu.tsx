import type { QueueOverview } from '@ojs-ts/core/schemas';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useAction } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { formatCount } from '../../format/numbers.ts';
import { useSearchTexts } from '../../search.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { Menu, type MenuItem } from '../../ui/menu.tsx';
import { Purge } from './purge.tsx';

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
          The queue has {formatCount(kept)} jobs. A queue with unfinished jobs cannot be deleted. Its limits are deleted
          too.
        </Confirm>
      )}
    </>
  );
}
