import type { BulkOperation } from '@ojs-ts/core/schemas';
import { useParams } from '@tanstack/react-router';
import { formatCount, formatTotal } from '../../format/numbers.ts';
import { formatDuration } from '../../format/times.ts';
import { stringify } from '../../json/numeral.ts';
import {
  BulkLink,
  Card,
  CopyAs,
  CopyButton,
  Facts,
  Page as Frame,
  JobsLink,
  Loaded,
  Principal,
  QueueLink,
  Tile,
  Time,
} from '../../ui/index.ts';
import { aboutOf } from '../bulk/about.ts';
import { reasonOf, wordsOf } from '../bulk/actions.ts';
import '../bulk/bulk.css';
import { Controls } from '../bulk/controls.tsx';
import { OperationState, Progress } from '../bulk/progress.tsx';
import { useOperation } from '../bulk/use-operation.ts';

/** One bulk operation: its progress, and the jobs that it left unchanged. */
export function Page() {
  const { id = '' } = useParams({ strict: false });
  const query = useOperation(id);
  const { data } = query;
  return (
    <Frame
      title={data === undefined ? 'Bulk operation' : `${wordsOf(data.action).verb}: bulk operation`}
      aside={data && <OperationState state={data.state} />}
      actions={
        <>
          {data && <Controls operation={data} size="small" />}
          <CopyAs
            operation="bulk.get"
            options={{ params: { id } }}
            command={`bulk show ${id}`}
            also={[{ label: 'Copy as undo command', text: `ojs bulk undo ${id}` }]}
          />
        </>
      }
    >
      <Loaded query={query}>{(operation) => <Operation operation={operation} />}</Loaded>
    </Frame>
  );
}

function Operation({ operation }: { readonly operation: BulkOperation }) {
  const { action, matched, matched_is_lower_bound, done, changed, skipped, time_left_ms, rate, error } = operation;
  const left = Object.entries(skipped).filter(([, count]) => count > 0);
  return (
    <>
      {error !== undefined && (
        <p className="failure" role="alert">
          {error}
        </p>
      )}
      <Progress operation={operation} label={`${wordsOf(action).verb}, jobs done`} />
      <div className="tiles">
        <Tile label="Matched at the start" value={formatTotal(matched, matched_is_lower_bound)} />
        <Tile label="Looked at" value={formatCount(done)} />
        <Tile label={`Jobs ${wordsOf(action).done}`} value={formatCount(changed)} />
        <Tile label="Not changed" value={formatCount(done - changed)} />
        <Tile
          label="Time left"
          value={time_left_ms === null ? '–' : formatDuration(time_left_ms)}
          note={rate === null ? 'as fast as the server can' : `at most ${rate} jobs a second`}
        />
      </div>
      <div className="columns">
        <Card title="About">
          <About operation={operation} />
        </Card>
        <Card title="Not changed">
          {left.length === 0 ? (
            <p className="soft">{done === 0 ? 'No jobs processed yet.' : 'Every processed job has changed.'}</p>
          ) : (
            <ul className="skipped">
              {left.map(([name, count]) => (
                <li key={name}>
                  <strong className="number">{formatCount(count)}</strong>
                  <span>
                    {reasonOf(name)} <code className="soft">{name}</code>
                  </span>
                </li>
              ))}
            </ul>
          )}
        </Card>
      </div>
    </>
  );
}

function About({ operation }: { readonly operation: BulkOperation }) {
  const { id, query, changes, undoes, queue, created_by, started_at, finished_at, undo } = operation;
  return (
    <Facts
      of={{
        Id: (
          <>
            <code>{id}</code> <CopyButton text={id} what="the id" />
          </>
        ),
        Jobs: (
          <>
            {undoes === undefined ? (
              <pre className="written">{aboutOf(operation, stringify)}</pre>
            ) : (
              <>
                what <BulkLink id={undoes} className="mono" /> did
              </>
            )}
            {query !== undefined && query !== '[hidden]' && <JobsLink q={query} text="Jobs that match now" />}
          </>
        ),
        Changes: changes && <pre className="written">{stringify(changes)}</pre>,
        Queue: queue !== null && <QueueLink id={queue} />,
        'Started by': <Principal id={created_by} />,
        Started: <Time at={started_at} />,
        Ended: <Time at={finished_at} />,
        Undo: undo.by ? (
          <BulkLink id={undo.by} text="Undone by another operation" />
        ) : undo.possible ? (
          'Possible'
        ) : (
          (undo.reason ?? 'Not possible')
        ),
      }}
    />
  );
}
