import type { Answers } from '@ojs-ts/core/schemas';
import type { QueryClient } from '@tanstack/react-query';
import { useAction } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { Button } from '../../ui/button.tsx';

type QueueList = Answers['admin.queues'];
type QueueDetail = Answers['admin.queue'];

/** Pauses a queue or resumes it, shown at once. */
export function PauseButton({ queue }: { readonly queue: { readonly name: string; readonly paused: boolean } }) {
  const { name, paused } = queue;
  const may = useMay('queue.pause');
  const changes = ['admin.queues', 'admin.queue'] as const;
  // Pause and resume are two components, so the button never shows the label of the other action while it changes.
  const pause = useAction('queue.pause', {
    done: `Queue ${name} is paused. Running jobs finish.`,
    changes,
    optimistic: (client) => showPaused(client, name, true),
  });
  const resume = useAction('queue.resume', {
    done: `Queue ${name} runs again.`,
    changes,
    optimistic: (client) => showPaused(client, name, false),
  });
  if (!may) return null;
  return (
    <Button
      size="small"
      aria-label={`${paused ? 'Resume' : 'Pause'} ${name}`}
      onClick={() => (paused ? resume : pause).mutate({ params: { name }, query: { create: false } })}
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
