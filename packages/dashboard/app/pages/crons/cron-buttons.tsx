import type { Cron } from '@ojs-ts/core/schemas';
import { useAction } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { Button } from '../../ui/index.ts';

/** Run now, pause and resume. */
export function CronButtons({ cron: { name, enabled } }: { readonly cron: Cron }) {
  const changes = ['cron.list', 'cron.get', 'cron.runs'] as const;
  const trigger = useAction('cron.trigger', { changes, done: `Enqueued a run of ${name}.` });
  const pause = useAction('cron.pause', { changes, done: `Paused ${name}.` });
  const resume = useAction('cron.resume', { changes, done: `${name} runs again.` });
  if (!useMay('cron.trigger')) return null;
  const call = { params: { name } };
  return (
    <span className="row nowrap">
      <Button
        size="small"
        aria-label={`Run now: ${name}`}
        busy={trigger.isPending}
        onClick={() => trigger.mutate(call)}
      >
        Run now
      </Button>
      <Button
        size="small"
        aria-label={`${enabled ? 'Pause' : 'Resume'} ${name}`}
        busy={pause.isPending || resume.isPending}
        onClick={() => (enabled ? pause : resume).mutate(call)}
      >
        {enabled ? 'Pause' : 'Resume'}
      </Button>
    </span>
  );
}
