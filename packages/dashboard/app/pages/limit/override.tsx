import { useState } from 'react';
import type { Limit } from '../../api/answers/limits.ts';
import { useAction } from '../../api/calls.ts';
import { messageOf } from '../../api/failure.ts';
import { formatCount } from '../../format/numbers.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';

const ends = [
  ['+PT1H', 'in an hour'],
  ['+P1D', 'in a day'],
  ['', 'never, until you remove it'],
] as const;

/** Other numbers than those of the jobs, for a while. */
export function Override({ limit, onClose }: { readonly limit: Limit; readonly onClose: () => void }) {
  const { key, active, waiting_count } = limit;
  const [concurrency, setConcurrency] = useState(String(limit.concurrency?.limit ?? ''));
  const [rate, setRate] = useState(String(limit.rate?.limit ?? ''));
  const [period, setPeriod] = useState(limit.rate?.period ?? 'PT1M');
  const [end, setEnd] = useState<string>(ends[0][0]);
  const [problem, setProblem] = useState<string | null>(null);
  const override = useAction('limit.override', {
    changes: ['limit.get', 'limit.list'],
    done: `Overrode ${key}.`,
    onDone: onClose,
  });
  const slots = concurrency === '' ? null : Number(concurrency);
  const body = {
    ...(slots !== null && { concurrency: slots }),
    ...(rate !== '' && { rate: { limit: Number(rate), period } }),
    ...(end !== '' && { expires_at: end }),
  };
  return (
    <Dialog title={`Override ${key}`} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          override.mutate({ params: { key }, body }, { onError: (error) => setProblem(messageOf(error)) });
        }}
      >
        <Field label="Running at once" hint="Empty for no limit. 0 stops every start.">
          <input inputMode="numeric" value={concurrency} onChange={({ target }) => setConcurrency(target.value)} />
        </Field>
        <div className="columns">
          <Field label="Starts" hint="Empty for no rate.">
            <input inputMode="numeric" value={rate} onChange={({ target }) => setRate(target.value)} />
          </Field>
          <Field label="Period" hint="ISO 8601: PT1S, PT1M, PT1H.">
            <input value={period} onChange={({ target }) => setPeriod(target.value)} />
          </Field>
        </div>
        <Field label="Ends">
          <select value={end} onChange={({ target }) => setEnd(target.value)}>
            {ends.map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </Field>
        <p className="soft" role="status">
          {slots === null
            ? `${formatCount(waiting_count)} jobs are held back now; all of them may start.`
            : slots < active
              ? `${formatCount(active)} jobs run now and finish. None starts until fewer than ${formatCount(slots)} run.`
              : `${formatCount(Math.min(slots - active, waiting_count))} of ${formatCount(waiting_count)} jobs that are held back may start at once.`}
        </p>
        {problem !== null && (
          <p className="failure" role="alert">
            {problem}
          </p>
        )}
        <div className="dialog-foot">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={override.isPending}>
            Override
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
