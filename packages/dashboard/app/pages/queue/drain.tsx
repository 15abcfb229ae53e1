import type { QueueOverview } from '@ojs-ts/core/schemas';
import { useState } from 'react';
import { formatCount } from '../../format/numbers.ts';
import { formatDuration } from '../../format/times.ts';
import { useSearchTexts } from '../../search.ts';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/page.tsx';

/** The remaining jobs of a queue that an operator wants empty: before a release, or before it is deleted. */
export function Drain({ queue }: { readonly queue: QueueOverview }) {
  const { search, change } = useSearchTexts();
  const { available, active, retryable, pending } = queue.counts;
  const left = available + active + retryable + pending;
  const [most, setMost] = useState(left);
  if (search.drain !== 'yes') return null;
  if (left > most) setMost(left);
  const rate = queue.throughput.processed_per_minute;
  return (
    <Card
      title={left === 0 ? 'The queue is drained' : queue.paused ? 'Not draining: the queue is paused' : 'Draining'}
      aside={
        <Button size="small" onClick={() => change({ drain: undefined })}>
          Close
        </Button>
      }
    >
      <div
        className="meter"
        role="progressbar"
        aria-label="Drained"
        aria-valuenow={most === 0 ? 100 : Math.round((100 * (most - left)) / most)}
        aria-valuemin={0}
        aria-valuemax={100}
      >
        <div style={{ width: `${most === 0 ? 100 : (100 * (most - left)) / most}%` }} />
      </div>
      <p className="soft">
        {left === 0
          ? 'No job waits or runs. Scheduled jobs and new ones are not counted.'
          : `${formatCount(left)} jobs wait or run${rate > 0 ? atRate(left, rate) : ''}. ` +
            'The server still accepts new jobs: stop what enqueues them.'}
        {queue.paused && left > 0 && ' Resume the queue, so that its workers finish these jobs.'}
      </p>
    </Card>
  );
}

/** @param rate jobs a minute. */
function atRate(left: number, rate: number): string {
  return `, about ${formatDuration((left / rate) * 60_000)} at the rate of the last hour`;
}
