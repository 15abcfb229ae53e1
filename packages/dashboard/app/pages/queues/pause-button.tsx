import { useAction } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { Button } from '../../ui/index.ts';

/** Pauses a queue or resumes it, shown at once. */
export function PauseButton({ queue }: { readonly queue: { readonly name: string; readonly paused: boolean } }) {
  const { name, paused } = queue;
  const may = useMay('queue.pause');
  const changes = ['admin.queues', 'admin.queue'] as const;
  // Pause and resume are two actions, so the button never shows the label of the other one while it changes.
  const pause = useAction('queue.pause', {
    done: `Queue ${name} is paused. Running jobs finish.`,
    changes,
    shows: { paused: true },
  });
  const resume = useAction('queue.resume', {
    done: `Queue ${name} runs again.`,
    changes,
    shows: { paused: false },
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
