import type { BulkOperation } from '@ojs-ts/core/schemas';
import './bulk.css';
import { formatCount, formatTotal } from '../../format/numbers.ts';
import { formatDuration } from '../../format/times.ts';
import { Badge, Meter, type Tone } from '../../ui/index.ts';

const tones: Readonly<Record<BulkOperation['state'], Tone>> = {
  running: 'busy',
  stopped: 'warn',
  done: 'good',
  failed: 'bad',
};

export function OperationState({ state }: Pick<BulkOperation, 'state'>) {
  return <Badge tone={tones[state]}>{state}</Badge>;
}

export interface ProgressProps {
  readonly operation: BulkOperation;
  readonly label: string;
}

/** How far an operation came, and how long the rest will take. */
export function Progress({ operation, label }: ProgressProps) {
  const { state, done, matched, matched_is_lower_bound, time_left_ms } = operation;
  // A count that was a lower bound may be passed.
  const share = state === 'done' ? 1 : matched === 0 ? 0 : Math.min(1, done / matched);
  const text = `${formatCount(done)} of ${formatTotal(matched, matched_is_lower_bound)} jobs`;
  return (
    <div className="bulk-progress">
      <Meter label={label} percent={Math.round(share * 100)} text={text} />
      <span className="small soft">
        {text}
        {state === 'running' && time_left_ms !== null && `, ${formatDuration(time_left_ms)} left`}
      </span>
    </div>
  );
}
