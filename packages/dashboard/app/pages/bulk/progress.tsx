import type { BulkOperation } from '@ojs-ts/core/schemas';
import './bulk.css';
import { formatCount, formatTotal } from '../../format/numbers.ts';
import { formatDuration } from '../../format/times.ts';
import { Badge, type Tone } from '../../ui/badge.tsx';

const tones: Readonly<Record<BulkOperation['state'], Tone>> = {
  running: 'busy',
  stopped: 'warn',
  done: 'good',
  failed: 'bad',
};

export function OperationState({ state }: Pick<BulkOperation, 'state'>) {
  return <Badge tone={tones[state]}>{state}</Badge>;
}

/** A share of 1. A count that was a lower bound may be passed. */
export function shareOf({ state, done, matched }: Pick<BulkOperation, 'state' | 'done' | 'matched'>): number {
  if (state === 'done') return 1;
  return matched === 0 ? 0 : Math.min(1, done / matched);
}

type Shown = Pick<BulkOperation, 'state' | 'done' | 'matched' | 'matched_is_lower_bound' | 'time_left_ms'>;

export interface ProgressProps {
  readonly operation: Shown;
  readonly label: string;
}

/** How far an operation came, and how long the rest will take. */
export function Progress({ operation, label }: ProgressProps) {
  const { state, done, matched, matched_is_lower_bound, time_left_ms } = operation;
  const percent = Math.round(shareOf(operation) * 100);
  const text = `${formatCount(done)} of ${formatTotal(matched, matched_is_lower_bound)} jobs`;
  return (
    <div className="bulk-progress">
      <div
        className="meter"
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
        aria-valuetext={text}
      >
        <div style={{ width: `${percent}%` }} />
      </div>
      <span className="small soft">
        {text}
        {state === 'running' && time_left_ms !== null && `, ${formatDuration(time_left_ms)} left`}
      </span>
    </div>
  );
}
