import { AllStates, stateNames } from '@ojs-ts/core/job';
import { useQuery } from '@tanstack/react-query';
import { callText } from '../../api/client.ts';
import { useMay } from '../../api/session.ts';
import { formatCount, formatShort } from '../../format/numbers.ts';
import { parse } from '../../json/numeral.ts';
import { hasType } from '../../live/summary.ts';
import { StateBadge } from '../../ui/badge.tsx';

type Counts = Readonly<Record<string, number>>;

const none: Counts = {};

/** How many jobs each state has, in all queues; nothing for callers who may not see all queues. */
function useStateCounts(): Counts {
  const may = useMay('admin.stats');
  const { data } = useQuery({
    queryKey: ['job counts'],
    queryFn: async ({ signal }) => {
      const answer = parse(await callText('admin.stats', { signal })) as { readonly jobs: Counts };
      return answer.jobs;
    },
    enabled: may,
    meta: { live: (summary) => hasType(summary, 'job.', 'bulk.') },
  });
  return data ?? {};
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
