import { members } from '@ojs-ts/core';
import { Card, Meter, Time } from '../../ui/index.ts';
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
        note={
          <>
            reported <Time at={at} />
          </>
        }
      >
        <div className="row spread">
          <span>{message ?? <span className="soft">Without a message</span>}</span>
          {percent !== null && <strong className="number">{percent} %</strong>}
        </div>
        {percent !== null && (
          <Meter
            label="Progress"
            percent={percent}
            text={message === null ? `${percent} %` : `${percent} %: ${message}`}
          />
        )}
      </Card>
      {data !== 'null' && <Payload title="Progress data" text={data} />}
    </>
  );
}
