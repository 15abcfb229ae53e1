import type { ClockChange, CronRuns } from '@ojs-ts/core/schemas';
import { Badge, Time } from '../../ui/index.ts';

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
  const { direction, local_before, local_after, skipped = [], skipped_count = 0, repeated_count = 0 } = change;
  const time = (text: string): string => text.slice(11, 16);
  const [only] = skipped_count === 1 ? skipped : [];
  return (
    <li className="row">
      <Badge tone="warn">clock change</Badge>
      <span>
        <span className="mono">{local_before.slice(0, 10)}</span> Clocks go {direction} from {time(local_before)} to{' '}
        {time(local_after)}.{skipped_count > 0 && ` ${skippedText(skipped_count, only && time(only))}`}
        {repeated_count > 0 &&
          ` ${repeated_count === 1 ? 'One local time occurs twice and runs' : `${repeated_count} local times occur twice and run`} once.`}
      </span>
    </li>
  );
}

/** @param only the time of the only run that is skipped, where the server has named it */
function skippedText(count: number, only: string | undefined): string {
  if (count > 1) return `${count} runs are skipped: their local times do not exist.`;
  return only === undefined ? 'One run is skipped.' : `The run at ${only} is skipped: that local time does not exist.`;
}
