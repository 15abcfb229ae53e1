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

/** In maintenance mode no job starts; enqueues and running jobs continue (docs/operating.md, Maintenance mode). */
export function MaintenanceCard() {
  const maintenance = useCall('admin.maintenance', { refreshMs: 30_000 });
  const may = useMay('admin.setMaintenance');
  const [isAsking, setAsking] = useState(false);
  const [reason, setReason] = useState('');
  const set = useAction('admin.setMaintenance', { changes: ['admin.maintenance'] });
  return (
    <Card title="Maintenance mode">
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
                'Jobs start as usual.'
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
            <p>No job starts until you end it. The server still accepts new jobs, and running jobs finish.</p>
            <Field label="Reason" hint="Operators see it here, and on the command line.">
              <input value={reason} onChange={({ target }) => setReason(target.value)} />
            </Field>
          </div>
        </Confirm>
      )}
    </Card>
  );
}
