import type { QueueOverview } from '@ojs-ts/core/schemas';
import { Link } from '@tanstack/react-router';
import { IfMay } from '../../access/if-may.tsx';
import { formatShort } from '../../format/numbers.ts';
import { Tile } from '../../ui/page.tsx';
import { Time } from '../../ui/time.tsx';

const states = ['available', 'active', 'scheduled', 'retryable', 'completed', 'discarded', 'cancelled'] as const;
const labels: Readonly<Partial<Record<(typeof states)[number], string>>> = { available: 'Waiting', active: 'Running' };

/** The jobs of a queue by state, each figure a way to them. */
export function Counts({ queue }: { readonly queue: QueueOverview }) {
  const { name, counts } = queue;
  return (
    <div className="tiles">
      {states.map((state) => (
        <Link key={state} className="tile" to="/jobs" search={{ q: `queue:${name} state:${state}` }}>
          <span className="label">{labels[state] ?? state[0]?.toUpperCase() + state.slice(1)}</span>
          <span className="value">{formatShort(counts[state])}</span>
          {state === 'available' && queue.oldest_available_at !== null && (
            <span className="note">
              oldest <Time at={queue.oldest_available_at} />
            </span>
          )}
        </Link>
      ))}
      <IfMay call="deadLetter.stats" otherwise={<Tile label="Dead letter" value={formatShort(counts.dead_letter)} />}>
        <Link className="tile" to="/dead-letter" search={{ queue: name }}>
          <span className="label">Dead letter</span>
          <span className="value">{formatShort(counts.dead_letter)}</span>
        </Link>
      </IfMay>
    </div>
  );
}
