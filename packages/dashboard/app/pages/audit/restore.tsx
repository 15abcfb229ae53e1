import { formatDuration } from '@ojs-ts/core';
import type { AuditEntry } from '@ojs-ts/core/schemas';
import { useAction } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { Button } from '../../ui/button.tsx';

/** For an entry about settings of a queue: restores those from before. */
export function Restore({ entry, onDone }: { readonly entry: AuditEntry; readonly onDone: () => void }) {
  const { name, before } = entry.detail;
  const restore = useAction('queue.configure', {
    changes: ['admin.queue', 'admin.queues', 'audit.list'],
    done: `${name} has the settings again that it had before.`,
    onDone,
  });
  const may = useMay('queue.configure');
  if (!may || entry.event_type !== 'queue.configured' || typeof name !== 'string' || !isRecord(before)) return null;
  return (
    <Button
      kind="primary"
      busy={restore.isPending}
      onClick={() => restore.mutate({ params: { name }, body: settingsOf(before) })}
    >
      Restore the settings from before
    </Button>
  );
}

/** The audit log has the members of the engine; null for a setting that was not there. */
function settingsOf(before: Readonly<Record<string, unknown>>) {
  const { maxDepth = null, strategy = 'reject', warningThreshold = 0.8, concurrency = null, rate } = before;
  const { count, perMs } = isRecord(rate) ? rate : {};
  return {
    max_size: maxDepth,
    overflow_policy: strategy,
    backpressure: { warning_threshold: warningThreshold },
    concurrency,
    rate_limit: typeof perMs === 'number' ? { limit: count, period: formatDuration(perMs) } : null,
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
