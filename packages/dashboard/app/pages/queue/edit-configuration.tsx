import { useState } from 'react';
import type { QueueConfig, QueueOverview } from '../../api/answers/queues.ts';
import { useAction } from '../../api/calls.ts';
import { messageOf } from '../../api/failure.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Effect } from './effect.tsx';

export interface Draft {
  readonly concurrency: string;
  readonly rate: string;
  readonly period: string;
  readonly depth: string;
}

export interface EditConfigurationProps {
  readonly queue: QueueOverview & { readonly configuration: QueueConfig };
  readonly onClose: () => void;
}

/** Changes the limits, and says before what they would mean now. */
export function EditConfiguration({ queue, onClose }: EditConfigurationProps) {
  const { name, configuration } = queue;
  const [draft, setDraft] = useState<Draft>(() => ({
    concurrency: textOf(configuration.concurrency),
    rate: textOf(configuration.rate_limit?.limit ?? null),
    period: configuration.rate_limit?.period ?? 'PT1S',
    depth: textOf(configuration.backpressure.max_depth),
  }));
  const [problem, setProblem] = useState<string | null>(null);
  const save = useAction('queue.configure', {
    done: `Changed the limits of ${name}.`,
    changes: ['admin.queue', 'admin.queues'],
    onDone: onClose,
  });
  const set = (change: Partial<Draft>): void => setDraft({ ...draft, ...change });
  const body = {
    concurrency: numberOf(draft.concurrency),
    rate_limit: draft.rate === '' ? null : { limit: Number(draft.rate), period: draft.period },
    backpressure: { max_depth: numberOf(draft.depth) },
  };
  return (
    <Dialog title={`Limits of ${name}`} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate({ params: { name }, body }, { onError: (error) => setProblem(messageOf(error)) });
        }}
      >
        <Field label="Running at once" hint="Empty for no limit.">
          <input
            inputMode="numeric"
            value={draft.concurrency}
            onChange={({ target }) => set({ concurrency: target.value })}
          />
        </Field>
        <div className="columns">
          <Field label="Rate" hint="Jobs that start in one period; empty for no limit.">
            <input inputMode="numeric" value={draft.rate} onChange={({ target }) => set({ rate: target.value })} />
          </Field>
          <Field label="Period" hint="ISO 8601: PT1S, PT1M, PT1H.">
            <input value={draft.period} onChange={({ target }) => set({ period: target.value })} />
          </Field>
        </div>
        <Field label="Most waiting jobs" hint="With more, the server refuses new jobs. Empty for no limit.">
          <input inputMode="numeric" value={draft.depth} onChange={({ target }) => set({ depth: target.value })} />
        </Field>
        <Effect queue={queue} draft={draft} />
        {problem !== null && (
          <p className="failure" role="alert">
            {problem}
          </p>
        )}
        <div className="dialog-foot">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={save.isPending}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function textOf(value: number | null): string {
  return value === null ? '' : String(value);
}

/** The server says what is wrong with other text. */
function numberOf(text: string): number | string | null {
  if (text.trim() === '') return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : text;
}
