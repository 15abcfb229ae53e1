import { useQueryClient } from '@tanstack/react-query';
import { call, callText } from '../../api/client.ts';
import { formatCount } from '../../format/numbers.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { showToast } from '../../ui/toasts.ts';

/** Jobs of one call. */
const atOnce = 1_000;

export interface FreeProps {
  readonly limit: string;
  readonly active: number;
  readonly onClose: () => void;
}

/** Cancels the running jobs of a limit, whose slots are free at once: their workers may be gone. */
export function Free({ limit, active, onClose }: FreeProps) {
  const client = useQueryClient();
  const count = Math.min(active, atOnce);
  const jobs = `${formatCount(count)} ${count === 1 ? 'job' : 'jobs'}`;
  const free = async (): Promise<void> => {
    const q = `limit:${JSON.stringify(limit)} state:active`;
    const { items } = await call('admin.jobs', { query: { q, limit: atOnce } });
    await callText('bulk.cancel', { body: { job_ids: items.map(({ id }) => id), confirm: true } });
    showToast({ kind: 'done', text: `The slots of ${limit} are free.` });
    await Promise.all(
      ['limit.get', 'limit.list', 'admin.jobs'].map((name) => client.invalidateQueries({ queryKey: [name] })),
    );
  };
  return (
    <Confirm
      title={`Free the slots of ${limit}?`}
      confirm={`Cancel ${jobs}`}
      destroys
      onConfirm={free}
      onClose={onClose}
    >
      The server cancels what runs under this key: {jobs}. Live workers are told to stop them. To have the jobs of a
      silent worker run again instead, remove that worker: the page of a job names it.
    </Confirm>
  );
}
