import { useState } from 'react';
import { useAction, useCall } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { Field } from '../../ui/field.tsx';
import { Card } from '../../ui/page.tsx';
import { Loaded } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';

/** While the server is in maintenance it refuses new jobs and hands out none. */
export function MaintenanceCard() {
  const maintenance = useCall('admin.maintenance', { refreshMs: 30_000 });
  const may = useMay('admin.setMaintenance');
  const [isAsking, setAsking] = useState(false);
  const [reason, setReason] = useState('');
  const set = useAction('admin.setMaintenance', { changes: ['admin.maintenance'] });
  return (
    <Card title="Maintenance">
      <Loaded query={maintenance} lines={1}>
        {({ maintenance: isOn, reason: given, enabled_at }) => (
          <div className="row spread">
            <span>
              <Badge tone={isOn ? 'warn' : 'good'}>{isOn ? 'on' : 'off'}</Badge>{' '}
              {isOn ? (
                <>
                  since <Time at={enabled_at} /> {given !== null && `(${given})`}
                </>
              ) : (
                'The server takes and hands out jobs.'
              )}
            </span>
            {may && (
              <Button onClick={() => (isOn ? set.mutate({ body: { enabled: false } }) : setAsking(true))}>
                {isOn ? 'End maintenance' : 'Begin maintenance'}
              </Button>
            )}
          </div>
        )}
      </Loaded>
      {isAsking && (
        <Confirm
          title="Begin maintenance?"
          confirm="Begin"
          destroys
          onConfirm={() => set.mutateAsync({ body: { enabled: true, ...(reason !== '' && { reason }) } })}
          onClose={() => setAsking(false)}
        >
          <div className="stack">
            <p>Until it ends the server refuses new jobs and hands out none. Running jobs finish.</p>
            <Field label="Reason" hint="Everybody who is refused reads it.">
              <input value={reason} onChange={({ target }) => setReason(target.value)} />
            </Field>
          </div>
        </Confirm>
      )}
    </Card>
  );
}
