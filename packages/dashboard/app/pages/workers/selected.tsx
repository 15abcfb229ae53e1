import { useState } from 'react';
import { useAction } from '../../api/calls.ts';
import { formatCount } from '../../format/numbers.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';

export interface SelectedProps {
  readonly ids: readonly string[];
  readonly onDone: () => void;
}

/** Gives the selected workers an order, in one call. */
export function Selected({ ids, onDone }: SelectedProps) {
  const [isStopping, setStopping] = useState(false);
  const direct = useAction('worker.direct', {
    changes: ['worker.list'],
    done: ({ succeeded, errors: [first], failed }) =>
      `Told ${workers(succeeded)}.${first === undefined ? '' : ` Not told: ${workers(failed)}. ${first.error}`}`,
    onDone,
  });
  const bodyOf = (directive: string) => ({ body: { directive, worker_ids: ids } });
  return (
    <section className="row" aria-label="Selected workers">
      <strong>{workers(ids.length)} selected</strong>
      <Button size="small" busy={direct.isPending} onClick={() => direct.mutate(bodyOf('quiet'))}>
        Quiet
      </Button>
      <Button size="small" busy={direct.isPending} onClick={() => direct.mutate(bodyOf('running'))}>
        Resume
      </Button>
      <Button size="small" kind="danger" onClick={() => setStopping(true)}>
        Stop…
      </Button>
      <Button size="small" kind="plain" onClick={onDone}>
        Clear
      </Button>
      {isStopping && (
        <Confirm
          title={`Stop ${workers(ids.length)}?`}
          confirm={`Stop ${workers(ids.length)}`}
          destroys
          {...(ids.length > 10 && { typed: 'stop' })}
          onConfirm={() => direct.mutateAsync(bodyOf('terminate'))}
          onClose={() => setStopping(false)}
        >
          The workers finish their running jobs and stop. Only their own supervisors can start them again.
        </Confirm>
      )}
    </section>
  );
}

function workers(count: number): string {
  return count === 1 ? '1 worker' : `${formatCount(count)} workers`;
}
