import type { ClockChange, CronRuns } from '../../api/answers/crons.ts';
import { Badge } from '../../ui/badge.tsx';
import { Time } from '../../ui/time.tsx';

/** The next runs in the zone of the cron, with the changes of the clocks between them. */
export function RunList({ runs }: { readonly runs: CronRuns }) {
  if (runs.runs.length === 0) return <p className="soft">The schedule has no further run.</p>;
  const changes = [...runs.clock_changes];
  return (
    <ol className="stack" style={{ listStyle: 'none' }}>
      {runs.runs.map((at, index) => {
        const before = changes.filter((change) => change.at <= at);
        changes.splice(0, before.length);
        const local = (runs.local_runs[index] ?? at).replace('T', ' ');
        return [
          ...before.map((change) => <Change key={change.at} change={change} />),
          <li key={at} className="row spread">
            <span className="mono">{local}</span>
            <span className="soft">
              <Time at={at} />
            </span>
          </li>,
        ];
      })}
      {changes.map((change) => (
        <Change key={change.at} change={change} />
      ))}
    </ol>
  );
}

function Change({ change }: { readonly change: ClockChange }) {
  const { direction, local_before, local_after, skipped_count = 0, repeated_count = 0 } = change;
  const time = (text: string): string => text.slice(11, 16);
  return (
    <li className="row">
      <Badge tone="warn">clock change</Badge>
      <span>
        Clocks go {direction} from {time(local_before)} to {time(local_after)}.
        {skipped_count > 0 && ` ${skipped_count} local ${skipped_count === 1 ? 'time is' : 'times are'} skipped.`}
        {repeated_count > 0 &&
          ` ${repeated_count} local ${repeated_count === 1 ? 'time occurs twice and runs' : 'times occur twice and run'} once.`}
      </span>
    </li>
  );
}
