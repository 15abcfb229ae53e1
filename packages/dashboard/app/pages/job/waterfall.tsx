import type { CSSProperties } from 'react';
import { formatAbsolute, formatDuration } from '../../format/times.ts';
import { Card, Time, useNow, useZone } from '../../ui/index.ts';
import { type Life, labelOf, type Span } from './spans.ts';

/** The life of the job from top to bottom, each part as long as it took. */
export function Waterfall({ life }: { readonly life: Life }) {
  const { spans, end, createdAt, purgedAt } = life;
  const now = useNow();
  if (spans.length === 0 && createdAt === null && end === null && purgedAt === null) {
    return (
      <Card title="Timeline">
        <p className="soft">The server has no history of this job, or has deleted it.</p>
      </Card>
    );
  }
  const from = spans[0]?.from ?? createdAt ?? purgedAt ?? now;
  const to = Math.max(end?.at ?? now, spans.at(-1)?.to ?? 0, from + 1);
  return (
    <Card
      title="Timeline"
      note={end === null ? `${formatDuration(Math.max(0, now - from))} so far` : formatDuration(end.at - from)}
    >
      {purgedAt !== null && (
        <p className="soft">
          The earlier history was deleted <Time at={purgedAt} />.
        </p>
      )}
      <ol className="waterfall">
        {spans.map((span) => (
          <Row key={`${span.from} ${span.state} ${span.attempt}`} span={span} from={from} to={to} now={now} />
        ))}
      </ol>
      <p className="small">
        {createdAt !== null && (
          <>
            Enqueued <Time at={createdAt} />
          </>
        )}
        {end !== null && (
          <>
            {createdAt === null ? 'Ended' : '; ended'} <Time at={end.at} />: {end.state}
          </>
        )}
        .
      </p>
    </Card>
  );
}

interface RowProps {
  readonly span: Span;
  readonly from: number;
  readonly to: number;
  readonly now: number;
}

/** Focus and the pointer show the exact times; readers of the screen hear them. */
function Row({ span, from, to, now }: RowProps) {
  const zone = useZone();
  const until = span.to ?? Math.max(now, span.from);
  const length = formatDuration(until - span.from);
  const place: CSSProperties = {
    left: `${((span.from - from) / (to - from)) * 100}%`,
    width: `${((until - span.from) / (to - from)) * 100}%`,
  };
  const exact = (at: number): string => formatAbsolute(at, zone, true);
  return (
    <li>
      <button type="button" className="span-row" data-tone={toneOf(span)}>
        <span className="span-label">
          {labelOf(span)}
          {span.outcome !== null && <span className="soft"> {span.outcome}</span>}
        </span>
        <span className="span-track" aria-hidden="true">
          <span className="span-bar" data-open={span.to === null} style={place} />
        </span>
        <span className="span-length number">
          {span.isGuess && <span title="The job does not record this time exactly">≈ </span>}
          {length}
          {span.to === null && '…'}
        </span>
        <span className="span-exact visually-hidden">
          {exact(span.from)} to {span.to === null ? 'now' : exact(span.to)} {zone}
          {span.worker !== null && `, on worker ${span.worker}`}
        </span>
      </button>
    </li>
  );
}

function toneOf({ attempt, outcome }: Span): string {
  if (attempt === null) return 'mute';
  if (outcome === null) return 'busy';
  return outcome === 'completed' ? 'good' : outcome === 'returned' ? 'warn' : 'bad';
}
