import { useDeferredValue } from 'react';
import { useCall } from '../../api/calls.ts';
import { messageOf } from '../../api/failure.ts';
import { wordsOfCron } from '../../format/cron.ts';
import { RunList } from './run-list.tsx';

/** Shows the meaning of an expression, and its next runs, while it is typed. */
export function Preview({ expression, timezone }: { readonly expression: string; readonly timezone: string }) {
  const asked = useDeferredValue(expression.trim());
  const preview = useCall('cron.preview', {
    body: { expression: asked, timezone, count: 5 },
    enabled: asked !== '',
    keepLast: true,
  });
  if (preview.error !== null) return <p className="failure">{messageOf(preview.error)}</p>;
  return (
    <div className="stack" role="status" aria-label="Next runs">
      <p>{wordsOfCron(asked) ?? asked}</p>
      {preview.data && <RunList runs={preview.data} />}
    </div>
  );
}
