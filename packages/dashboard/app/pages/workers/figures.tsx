import type { Answers, WorkerState } from '@ojs-ts/core/schemas';
import { Link } from '@tanstack/react-router';
import { formatCount } from '../../format/numbers.ts';
import type { SearchTexts } from '../../search.ts';
import { Tile } from '../../ui/page.tsx';
import { describe } from './description.ts';

const states = [
  ['running', 'Running'],
  ['quiet', 'Quiet'],
  ['terminate', 'Stopping'],
  ['stale', 'Stale'],
] as const;

/** How many workers there are in each state, each figure a filter, and the slots in use. */
export function Figures({ items, summary }: Answers['worker.list']) {
  const told = items.flatMap((worker) => {
    const { slots } = describe(worker);
    return slots === null || worker.state === 'stale' ? [] : [{ slots, active: worker.active_jobs }];
  });
  const sum = (name: 'slots' | 'active'): number => told.reduce((total, one) => total + one[name], 0);
  return (
    <div className="tiles worker-figures">
      <Figure label="All workers" count={summary.total} />
      {states.map(([state, label]) => (
        <Figure key={state} label={label} count={summary[state]} state={state} />
      ))}
      <Tile label="Slots in use" value={`${formatCount(sum('active'))} of ${formatCount(sum('slots'))}`} />
    </div>
  );
}

function Figure({
  label,
  count,
  state,
}: {
  readonly label: string;
  readonly count: number;
  readonly state?: WorkerState;
}) {
  return (
    <Link
      to="/workers"
      search={({ find }: SearchTexts) => ({ find, state })}
      className="tile"
      data-tone={state === 'stale' && count > 0 ? 'bad' : undefined}
    >
      <span className="label">{label}</span>
      <span className="value">{formatCount(count)}</span>
    </Link>
  );
}
