import { eventKinds } from '@ojs-ts/core/events';
import { useEffect, useState } from 'react';
import { useSearchTexts } from '../../search.ts';
import { Button } from '../../ui/button.tsx';
import { Field } from '../../ui/field.tsx';

export interface EventFilter {
  readonly types: string | undefined;
  readonly queues: string | undefined;
  readonly job_types: string | undefined;
}

/** Selects events: kinds, queues, types of jobs, each separated by commas. */
export function Filters() {
  const { search, change } = useSearchTexts();
  const { types, queues, job_types } = search;
  const [draft, setDraft] = useState({ types, queues, job_types });
  useEffect(() => setDraft({ types, queues, job_types }), [types, queues, job_types]);
  const set = (next: Partial<typeof draft>): void => setDraft({ ...draft, ...next });
  return (
    <search>
      <form
        className="row"
        onSubmit={(event) => {
          event.preventDefault();
          change(draft);
        }}
      >
        <Field label="Kinds">
          <input
            data-search
            list="event-kinds"
            placeholder="job.failed, queue.*"
            value={draft.types ?? ''}
            onChange={({ target }) => set({ types: target.value || undefined })}
          />
        </Field>
        <datalist id="event-kinds">
          {eventKinds.map((kind) => (
            <option key={kind} value={kind} />
          ))}
        </datalist>
        <Field label="Queues">
          <input value={draft.queues ?? ''} onChange={({ target }) => set({ queues: target.value || undefined })} />
        </Field>
        <Field label="Job types">
          <input
            value={draft.job_types ?? ''}
            onChange={({ target }) => set({ job_types: target.value || undefined })}
          />
        </Field>
        <Button type="submit">Filter</Button>
        {types === undefined && (
          <label className="check">
            <input
              type="checkbox"
              checked={search.all === 'yes'}
              onChange={({ target }) => change({ all: target.checked ? 'yes' : undefined })}
            />
            Progress and heartbeats
          </label>
        )}
      </form>
    </search>
  );
}
