import type { QueryClient } from '@tanstack/react-query';
import type { QueueAnswers } from '../../api/answers/queues.ts';
import { useAction } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { Button } from '../../ui/button.tsx';

type QueueList = QueueAnswers['admin.queues'];
type QueueDetail = QueueAnswers['admin.queue'];

/** Pauses a queue or resumes it, shown at once. */
export function PauseButton({ queue }: { readonly queue: { readonly name: string; readonly paused: boolean } }) {
  const { name, paused } = queue;
  const may = useMay('queue.pause');
  const action = useAction(paused ? 'queue.resume' : 'queue.pause', {
    done: paused ? `Queue ${name} runs again.` : `Queue ${name} is paused. Running jobs finish.`,
    changes: ['admin.queues', 'admin.queue'],
    optimistic: (client) => showPaused(client, name, !paused),
  });
  if (!may) return null;
  return (
    <Button
      size="small"
      aria-label={`${paused ? 'Resume' : 'Pause'} ${name}`}
      onClick={() => action.mutate({ params: { name } })}
    >
      {paused ? 'Resume' : 'Pause'}
    </Button>
  );
}

function showPaused(client: QueryClient, name: string, paused: boolean): () => void {
  const lists = client.getQueriesData<QueueList>({ queryKey: ['admin.queues'] });
  const details = client.getQueriesData<QueueDetail>({ queryKey: ['admin.queue'] });
  for (const [key, list] of lists) {
    if (list === undefined) continue;
    const items = list.items.map((one) => (one.name === name ? { ...one, paused } : one));
    client.setQueryData(key, { ...list, items });
  }
  for (const [key, detail] of details) if (detail?.name === name) client.setQueryData(key, { ...detail, paused });
  return () => {
    for (const [key, before] of [...lists, ...details]) client.setQueryData(key, before);
  };
}
