import type { QueueOverview } from '@ojs-ts/core/schemas';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useCall } from '../../api/calls.ts';
import { IfMay, useMay } from '../../api/session.ts';
import { formatCount, formatShort } from '../../format/numbers.ts';
import { formatDuration } from '../../format/times.ts';
import { useSearchTexts } from '../../search.ts';
import { Button, Card, Meter, Tile, Time } from '../../ui/index.ts';

export interface QueueProps {
  readonly queue: QueueOverview;
}

const states = ['available', 'active', 'scheduled', 'retryable', 'completed', 'discarded', 'cancelled'] as const;
const labels: Readonly<Partial<Record<(typeof states)[number], string>>> = { available: 'Waiting', active: 'Running' };

/** The jobs of a queue by state, each figure a way to them. */
export function Counts({ queue: { name, counts, oldest_available_at: oldest } }: QueueProps) {
  const dead = { label: 'Dead letter', value: formatShort(counts.dead_letter) };
  return (
    <div className="tiles">
      {states.map((state) => (
        <Tile
          key={state}
          to="/jobs"
          search={{ q: `queue:${name} state:${state}` }}
          label={labels[state] ?? state.charAt(0).toUpperCase() + state.slice(1)}
          value={formatShort(counts[state])}
          note={
            state === 'available' &&
            oldest !== null && (
              <>
                oldest <Time at={oldest} />
              </>
            )
          }
        />
      ))}
      <IfMay call="deadLetter.stats" otherwise={<Tile {...dead} />}>
        <Tile to="/dead-letter" search={{ queue: name }} {...dead} />
      </IfMay>
    </div>
  );
}

/** Workers that one call lists; with more of them, nothing is said about who reads the queue. */
const atOnce = 100;

/** The reasons why the jobs of a queue wait, with links to the causes. */
export function Waiting({ queue: { name, counts } }: QueueProps) {
  const mayGroup = useMay('admin.jobGroups');
  const isUnread = useIsUnread(name, counts.available > 0);
  if (counts.available === 0) return null;
  return (
    <>
      {isUnread && (
        <p>
          No live worker is known to read this queue. <Link to="/workers">See the workers</Link>
        </p>
      )}
      {mayGroup && (
        <p>
          <Link to="/jobs" search={{ q: `queue:${name} state:available`, by: 'type' }}>
            What waits here, by type, tenant or another field
          </Link>
        </p>
      )}
    </>
  );
}

function useIsUnread(name: string, hasWaiting: boolean): boolean {
  const may = useMay('worker.list');
  const { data } = useCall('worker.list', {
    query: { limit: atOnce },
    enabled: may && hasWaiting,
    refreshMs: 15_000,
  });
  if (data === undefined || data.pagination.has_more) return false;
  return !data.items.some(
    ({ state, queues }) => state !== 'stale' && (!Array.isArray(queues) || queues.includes(name)),
  );
}

/** The remaining jobs of a queue that an operator wants empty: before a release, or before it is deleted. */
export function Drain({ queue }: QueueProps) {
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
      <Meter label="Drained" percent={most === 0 ? 100 : (100 * (most - left)) / most} />
      <p className="soft">
        {left === 0
          ? 'No job waits or runs. Scheduled jobs are not counted.'
          : `${formatCount(left)} jobs wait or run${rate > 0 ? atRate(left, rate) : ''}. ` +
            'The server still accepts new jobs: stop the programs that enqueue them.'}
        {queue.paused && left > 0 && ' Resume the queue, so that its workers finish these jobs.'}
      </p>
    </Card>
  );
}

/** @param rate jobs a minute. */
function atRate(left: number, rate: number): string {
  return `, about ${formatDuration((left / rate) * 60_000)} at the rate of the last hour`;
}
