import type { BulkAction } from '@ojs-ts/core/bulk';
import { useState } from 'react';
import { useCall } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { formatCount } from '../../format/numbers.ts';
import { formatPeriod } from '../../format/times.ts';
import { hasType } from '../../live/summary.ts';
import { useSearchTexts } from '../../search.ts';
import { Button } from '../../ui/button.tsx';
import { CopyAs, quote } from '../../ui/copy.tsx';
import { Page as Frame, Tile } from '../../ui/page.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';
import { BulkDialog } from '../jobs/bulk-dialog.tsx';
import { BulkStrip } from '../jobs/bulk-strip.tsx';
import { DeadJobs } from './dead-jobs.tsx';
import { ErrorGroups, useErrorGroups } from './error-groups.tsx';

export function Page() {
  const { search, change } = useSearchTexts();
  const { queue, fingerprint, operation } = search;
  const stats = useCall('deadLetter.stats', { live: (summary) => hasType(summary, 'job.', 'bulk.') });
  const mayRetry = useMay('bulk.start');
  const mayPurge = useMay('deadLetter.purge');
  const [asked, setAsked] = useState<BulkAction | null>(null);
  const terms = [...(queue ? [`queue:${queue}`] : []), ...(fingerprint ? [`fingerprint:${fingerprint}`] : [])];
  const flags = [
    ...(queue ? [`--queue ${quote(queue)}`] : []),
    ...(fingerprint ? [`--fingerprint ${quote(fingerprint)}`] : []),
  ];
  const groups = useErrorGroups();
  const error = groups.data?.items.find((group) => group.fingerprint === fingerprint);
  const total = stats.data?.total ?? 0;
  return (
    <Frame
      title="Dead letter"
      lead="Jobs that failed for good. Retry puts them back into their queues to run again; Delete removes them."
      actions={
        <>
          {mayRetry && total > 0 && (
            <Button kind={terms.length === 0 ? 'default' : 'primary'} onClick={() => setAsked('redrive')}>
              {terms.length === 0 ? 'Retry all…' : 'Retry these…'}
            </Button>
          )}
          {mayPurge && total > 0 && (
            <Button kind="danger" onClick={() => setAsked('purge')}>
              Delete…
            </Button>
          )}
          <CopyAs
            operation="deadLetter.list"
            options={{ query: { queue, fingerprint } }}
            command={['dead-letter list', ...flags].join(' ')}
            code="await client.listDeadLetterJobs();"
          />
        </>
      }
    >
      {operation !== undefined && (
        <BulkStrip id={operation} onEnd={() => {}} onDismiss={() => change({ operation: undefined })} />
      )}
      <Loaded query={stats} lines={2}>
        {({ by_queue, oldest_at, retention }) =>
          total === 0 ? (
            <Empty title="No dead letters">
              <p>
                A job comes here after its last attempt if its retry policy says so. Other failed jobs are on the page
                Jobs, in the state discarded.
              </p>
            </Empty>
          ) : (
            <>
              <div className="tiles">
                <Tile label="Jobs" value={formatCount(total)} note={`of at most ${formatCount(retention.max_count)}`} />
                <Tile
                  label="Oldest"
                  value={<Time at={oldest_at} />}
                  note={`kept for ${formatPeriod(retention.max_age)}`}
                />
                <div className="tile">
                  <label className="label" htmlFor="dead-queue">
                    Queue
                  </label>
                  <select
                    id="dead-queue"
                    value={queue ?? ''}
                    onChange={({ target }) => change({ queue: target.value || undefined, fingerprint: undefined })}
                  >
                    <option value="">All queues</option>
                    {Object.entries(by_queue).map(([name, count]) => (
                      <option key={name} value={name}>
                        {name} ({formatCount(count)})
                      </option>
                    ))}
                  </select>
                </div>
              </div>
              <ErrorGroups />
              <DeadJobs />
            </>
          )
        }
      </Loaded>
      {asked !== null && (
        <BulkDialog
          action={asked}
          targets={{ kind: 'query', q: terms.join(' ') }}
          about={error && `${error.error_type}: ${error.message}`}
          onStarted={([id]) => {
            setAsked(null);
            change({ operation: id });
          }}
          onClose={() => setAsked(null)}
        />
      )}
    </Frame>
  );
}
