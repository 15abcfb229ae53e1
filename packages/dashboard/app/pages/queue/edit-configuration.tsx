import type { QueueConfig, QueueOverview } from '@ojs-ts/core/schemas';
import { useState } from 'react';
import { useAction } from '../../api/calls.ts';
import { FormDialog, TextField } from '../../ui/index.ts';
import { type Draft, Effect, wordOf } from './effect.tsx';

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
    period: wordOf(configuration.rate_limit?.period ?? 'PT1S'),
    depth: textOf(configuration.backpressure.max_depth),
  }));
  const save = useAction('queue.configure', {
    done: `Changed the limits of ${name}.`,
    changes: ['admin.queue', 'admin.queues'],
  });
  const field = (name: keyof Draft) => ({
    value: draft[name],
    onChange: (text: string) => setDraft({ ...draft, [name]: text }),
  });
  const body = {
    concurrency: numberOf(draft.concurrency),
    rate_limit: draft.rate === '' ? null : { limit: Number(draft.rate), period: draft.period },
    backpressure: { max_depth: numberOf(draft.depth) },
  };
  return (
    <FormDialog
      title={`Limits of ${name}`}
      submit="Save"
      onSubmit={() => save.mutateAsync({ params: { name }, query: { create: false }, body })}
      onClose={onClose}
    >
      <TextField {...field('concurrency')} label="Running at once" hint="Empty for no limit." inputMode="numeric" />
      <div className="columns">
        <TextField
          {...field('rate')}
          label="Rate"
          hint="Jobs that start in one period; empty for no limit."
          inputMode="numeric"
        />
        <TextField
          {...field('period')}
          label="Period"
          hint="second, minute, hour or day; or ISO 8601, such as PT15M."
        />
      </div>
      <TextField
        {...field('depth')}
        label="Most waiting jobs"
        hint="When so many wait, the server refuses new jobs. Empty for no limit."
        inputMode="numeric"
      />
      <Effect queue={queue} draft={draft} />
    </FormDialog>
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
