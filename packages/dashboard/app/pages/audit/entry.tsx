import { readDocument } from '@ojs-ts/core/json';
import type { AuditEntry } from '@ojs-ts/core/schemas';
import { stringify } from '../../json/numeral.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { JsonTree } from '../../ui/json-tree.tsx';
import { Principal } from '../../ui/principal.tsx';
import { Time } from '../../ui/time.tsx';
import { Restore } from './restore.tsx';

export function Entry({ entry, onClose }: { readonly entry: AuditEntry; readonly onClose: () => void }) {
  return (
    <Dialog title={entry.event_type} size="wide" onClose={onClose}>
      <dl className="facts">
        <dt>When</dt>
        <dd>
          <Time at={entry.timestamp} />
        </dd>
        <dt>Who</dt>
        <dd>
          <Principal id={entry.principal} />
        </dd>
        <dt>Address</dt>
        <dd>{entry.source_ip ?? '–'}</dd>
        <dt>Request</dt>
        <dd>
          <code>{entry.correlation_id}</code>
        </dd>
        <dt>Outcome</dt>
        <dd>{entry.outcome}</dd>
      </dl>
      <JsonTree node={readDocument(stringify(entry.detail))} label="Detail" open={4} />
      <div className="dialog-foot">
        <Restore entry={entry} onDone={onClose} />
        <Button onClick={onClose}>Close</Button>
      </div>
    </Dialog>
  );
}
