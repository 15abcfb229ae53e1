import type { QueueConfig, QueueOverview } from '@ojs-ts/core/schemas';
import { Link } from '@tanstack/react-router';
import { useMay } from '../../api/session.ts';
import { formatCount } from '../../format/numbers.ts';
import { formatPeriod } from '../../format/times.ts';
import { Card, Facts, Opener } from '../../ui/index.ts';
import { EditConfiguration } from './edit-configuration.tsx';

type Configured = QueueOverview & { readonly configuration: QueueConfig };

/** The limits and bounds of a queue, and how long its jobs are kept. */
export function Configuration({ queue }: { readonly queue: Configured }) {
  const may = useMay('queue.configure');
  const mayAudit = useMay('audit.list');
  const { concurrency, rate_limit: rate, backpressure, retention } = queue.configuration;
  const { max_depth: most } = backpressure;
  return (
    <Card
      title="Limits"
      aside={
        <span className="row">
          {mayAudit && (
            <Link to="/audit" search={{ about: queue.name, type: 'queue' }} className="small">
              Earlier settings
            </Link>
          )}
          {may && (
            <Opener text="Change limits" size="small">
              {(close) => <EditConfiguration queue={queue} onClose={close} />}
            </Opener>
          )}
        </span>
      }
    >
      <Facts
        of={{
          'Running at once':
            concurrency === null ? 'no limit' : `${formatCount(queue.counts.active)} of ${formatCount(concurrency)}`,
          Rate: rate === null ? 'no limit' : `${formatCount(rate.limit)} jobs per ${formatPeriod(rate.period)}`,
          'Most waiting jobs':
            most === null
              ? 'no limit'
              : `${formatCount(most)}; then the server ${then[backpressure.strategy] ?? 'warns'}`,
          ...Object.fromEntries(
            Object.entries(retention).map(([state, kept]) => [`Keeps ${state} jobs`, formatPeriod(kept)]),
          ),
        }}
      />
    </Card>
  );
}

const then: Readonly<Record<string, string>> = { reject: 'refuses new jobs' };
