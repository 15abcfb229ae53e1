import { formatDuration } from '@ojs-ts/core';
import { readDocument } from '@ojs-ts/core/json';
import type { AuditEntry } from '@ojs-ts/core/schemas';
import { useAction } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { isRecord, stringify } from '../../json/numeral.ts';
import { Button, Dialog, Facts, Principal, Time } from '../../ui/index.ts';
import { JsonTree } from '../../ui/json-tree.tsx';

interface EntryProps {
  readonly entry: AuditEntry;
  readonly onClose: () => void;
}

export function Entry({ entry, onClose }: EntryProps) {
  const foot = (
    <>
      <Restore entry={entry} onClose={onClose} />
      <Button onClick={onClose}>Close</Button>
    </>
  );
  return (
    <Dialog title={entry.event_type} size="wide" onClose={onClose} foot={foot}>
      <Facts
        of={{
          When: <Time at={entry.timestamp} />,
          Who: <Principal id={entry.principal} />,
          Address: entry.source_ip ?? '–',
          Request: <code>{entry.correlation_id}</code>,
          Outcome: entry.outcome,
        }}
      />
      <JsonTree node={readDocument(stringify(entry.detail))} label="Detail" open={4} />
    </Dialog>
  );
}

/** For an entry about settings of a queue: restores those from before. */
function Restore({ entry, onClose }: EntryProps) {
  const { name, before } = entry.detail;
  const restore = useAction('queue.configure', {
    changes: ['admin.queue', 'admin.queues', 'audit.list'],
    done: `${name} has the settings again that it had before.`,
    onDone: onClose,
  });
  const may = useMay('queue.configure');
  if (!may || entry.event_type !== 'queue.configured' || typeof name !== 'string' || !isRecord(before)) return null;
  const call = { params: { name }, body: settingsOf(before) };
  return (
    <Button kind="primary" busy={restore.isPending} onClick={() => restore.mutate(call)}>
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
