import { useCall } from '../../api/calls.ts';
import { useSearchTexts } from '../../search.ts';
import { Card, Loaded, Select } from '../../ui/index.ts';
import { RunList } from '../crons/run-list.tsx';

const counts = [10, 50, 200, 1_000] as const;

/** The next runs, from now or from a day of the reader's choice. */
export function NextRuns({ name }: { readonly name: string }) {
  const { search, change } = useSearchTexts();
  const count = counts.find((one) => String(one) === search.runs) ?? counts[0];
  const from = /^\d{4}-\d{2}-\d{2}$/.test(search.from ?? '') ? `${search.from}T00:00:00Z` : undefined;
  const runs = useCall('cron.runs', { params: { name }, query: { limit: count, from }, keepLast: true });
  return (
    <Card
      title="Next runs"
      aside={
        <span className="row">
          <label htmlFor="runs-from" className="soft small">
            From
          </label>
          <input
            id="runs-from"
            // A field of type date has the order of the browser, and the runs below it have ISO dates.
            placeholder="YYYY-MM-DD"
            size={11}
            style={{ width: 'auto' }}
            value={search.from ?? ''}
            onChange={({ target }) => change({ from: target.value || undefined }, { replace: true })}
          />
          <Select
            aria-label="Number of runs"
            style={{ width: 'auto' }}
            value={String(count)}
            onChange={(runs) => change({ runs })}
            options={counts.map((one) => [String(one), `${one} runs`])}
          />
        </span>
      }
    >
      <Loaded query={runs}>{(data) => <RunList runs={data} />}</Loaded>
    </Card>
  );
}
