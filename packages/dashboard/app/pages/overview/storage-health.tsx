import { useCall } from '../../api/calls.ts';
import { formatDuration } from '../../format/times.ts';
import { Badge } from '../../ui/badge.tsx';
import { Card } from '../../ui/page.tsx';
import { Loaded } from '../../ui/states.tsx';

const names: Readonly<Record<string, string>> = { writes: 'Writes', clock: 'Clock', file: 'File' };

/** Shows whether the storage answers and takes writes. */
export function StorageHealth() {
  const health = useCall('system.health', { refreshMs: 10_000 });
  return (
    <Card title="Storage">
      <Loaded query={health}>
        {({ backend, checks, uptime_seconds }) => (
          <dl className="facts">
            <dt>{backend.type}</dt>
            <dd>
              <Badge tone={backend.status === 'connected' ? 'good' : 'bad'}>{backend.status}</Badge>
              {backend.status === 'connected' && <> answers in {formatDuration(Math.max(1, backend.latency_ms))}</>}
            </dd>
            {Object.entries(checks)
              // Only SQLite has a file of its own that can be checked.
              .filter(([name]) => name !== 'file' || backend.type === 'sqlite')
              .map(([name, { status, message }]) => (
                <Check key={name} name={names[name] ?? name} status={status} message={message} />
              ))}
            <dt>Server uptime</dt>
            <dd>{formatDuration(uptime_seconds * 1_000)}</dd>
          </dl>
        )}
      </Loaded>
    </Card>
  );
}

interface CheckProps {
  readonly name: string;
  readonly status: string;
  readonly message: string | undefined;
}

function Check({ name, status, message }: CheckProps) {
  return (
    <>
      <dt>{name}</dt>
      <dd>
        <Badge tone={status === 'pass' ? 'good' : 'bad'}>{status === 'pass' ? 'ok' : status}</Badge>{' '}
        {message !== undefined && <span className="soft">{message}</span>}
      </dd>
    </>
  );
}
