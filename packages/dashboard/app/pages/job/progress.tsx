import { members } from '@ojs-ts/core';
import { Card } from '../../ui/page.tsx';
import { Time } from '../../ui/time.tsx';
import type { JobDocument } from './job.ts';
import { Payload } from './payload.tsx';

/** The progress that the execution reports, live. */
export function Progress({ document: { job, parts } }: { readonly document: JobDocument }) {
  const { x_progress: progress } = job;
  if (progress === undefined) return null;
  const { percentage, message, updated_at: at } = progress;
  const percent = percentage === null ? null : Number(String(percentage));
  const data = members(parts.get('x_progress') ?? '{}').get('data') ?? 'null';
  return (
    <>
      <Card
        title="Progress"
        aside={
          <span className="soft small">
            reported <Time at={at} />
          </span>
        }
      >
        <div className="row spread">
          <span>{message ?? <span className="soft">Without a message</span>}</span>
          {percent !== null && <strong className="number">{percent} %</strong>}
        </div>
        {percent !== null && (
          <div
            className="meter"
            role="progressbar"
            aria-label="Progress"
            aria-valuenow={percent}
            aria-valuemin={0}
            aria-valuemax={100}
            aria-valuetext={message === null ? `${percent} %` : `${percent} %: ${message}`}
          >
            <div style={{ width: `${percent}%` }} />
          </div>
        )}
      </Card>
      {data !== 'null' && <Payload title="Progress data" text={data} />}
    </>
  );
}
