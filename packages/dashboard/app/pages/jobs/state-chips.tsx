import { AllStates, stateNames } from '@ojs-ts/core/job';
import { useCall } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { formatCount, formatShort } from '../../format/numbers.ts';
import { hasType } from '../../live/summary.ts';
import { StateBadge } from '../../ui/index.ts';

type Counts = Readonly<Record<string, number>>;

const none: Counts = {};

/** How many jobs each state has, in all queues; nothing for callers who may not see all queues. */
function useStateCounts(): Counts {
  const may = useMay('admin.stats');
  const { data } = useCall('admin.stats', {
    enabled: may,
    live: (summary) => hasType(summary, 'job.', 'bulk.'),
  });
  return data?.jobs ?? {};
}

export interface StateChipsProps {
  /** The state that the query asks for; null for none or several. */
  readonly current: string | null;
  readonly onChange: (state: string | null) => void;
  /** True if the query asks for more than a state: then the counts are of other jobs, and are not shown. */
  readonly isNarrowed: boolean;
}

/** One state alone, or all. */
export function StateChips({ current, onChange, isNarrowed }: StateChipsProps) {
  const all = useStateCounts();
  const counts = isNarrowed ? none : all;
  return (
    <fieldset className="chips">
      <legend className="visually-hidden">State</legend>
      {stateNames(AllStates).map((state) => {
        const count = counts[state];
        return (
          <button
            key={state}
            type="button"
            className="chip"
            aria-pressed={current === state}
            title={count === undefined ? undefined : `${formatCount(count)} ${state}`}
            onClick={() => onChange(current === state ? null : state)}
          >
            <StateBadge state={state} />
            {count !== undefined && <span className="count">{formatShort(count)}</span>}
          </button>
        );
      })}
    </fieldset>
  );
}
