import type { Limit } from '@ojs-ts/core/schemas';
import { useState } from 'react';
import { useAction } from '../../api/calls.ts';
import { formatCount } from '../../format/numbers.ts';
import { Field, FormDialog, Select, TextField } from '../../ui/index.ts';
import { wordOf } from '../queue/effect.tsx';

const ends = [
  ['+PT1H', 'in an hour'],
  ['+P1D', 'in a day'],
  ['', 'never, until you remove it'],
] as const;

export interface OverrideProps {
  readonly limit: Limit;
  /** The limit does not exist yet, and its name is meant. */
  readonly create?: boolean;
  readonly onClose: () => void;
}

/** Other numbers than those of the jobs, for a while. */
export function Override({ limit, create = false, onClose }: OverrideProps) {
  const { key, active, waiting_count } = limit;
  const [concurrency, setConcurrency] = useState(String(limit.concurrency?.limit ?? ''));
  const [rate, setRate] = useState(String(limit.rate?.limit ?? ''));
  const [period, setPeriod] = useState(wordOf(limit.rate?.period ?? 'PT1M'));
  const [end, setEnd] = useState<string>(ends[0][0]);
  const override = useAction('limit.override', {
    changes: ['limit.get', 'limit.list'],
    done: `Overrode ${key}.`,
  });
  const slots = concurrency === '' ? null : Number(concurrency);
  const body = {
    ...(slots !== null && { concurrency: slots }),
    ...(rate !== '' && { rate: { limit: Number(rate), period } }),
    ...(end !== '' && { expires_at: end }),
  };
  return (
    <FormDialog
      title={`Override ${key}`}
      submit="Override"
      onSubmit={() => override.mutateAsync({ params: { key }, query: { create }, body })}
      onClose={onClose}
    >
      <p className="soft">
        Applications set the numbers of this limit with their jobs. These count instead, for all jobs, until they end.
      </p>
      <TextField
        label="Running at once"
        hint="Empty for no limit. With 0 no job starts."
        inputMode="numeric"
        value={concurrency}
        onChange={setConcurrency}
      />
      <div className="columns">
        <TextField label="Starts" hint="Empty for no rate limit." inputMode="numeric" value={rate} onChange={setRate} />
        <TextField
          label="Period"
          hint="second, minute, hour or day; or ISO 8601, such as PT15M."
          value={period}
          onChange={setPeriod}
        />
      </div>
      <Field label="Ends">
        <Select value={end} onChange={setEnd} options={ends} />
      </Field>
      <p className="soft" role="status">
        {slots === null
          ? `${formatCount(waiting_count)} jobs are held back now; all of them may start.`
          : slots < active
            ? `${formatCount(active)} jobs run now and finish. None starts until fewer than ${formatCount(slots)} run.`
            : `${formatCount(Math.min(slots - active, waiting_count))} of ${formatCount(waiting_count)} jobs that ` +
              'are held back may start at once.'}
      </p>
    </FormDialog>
  );
}
