import { useEffect, useState } from 'react';
import { useSearchTexts } from '../../search.ts';
import { Button } from '../../ui/button.tsx';
import { Field } from '../../ui/field.tsx';

const fields = [
  ['about', 'About', 'Id of a job, or a name'],
  ['type', 'What', 'queue.paused, token'],
  ['principal', 'Who', 'token_…'],
] as const;

/** Selects entries; sent as one, because each search reads the log. */
export function Filters() {
  const { search, change } = useSearchTexts();
  const { about, type, principal } = search;
  const [draft, setDraft] = useState({ about, type, principal });
  useEffect(() => setDraft({ about, type, principal }), [about, type, principal]);
  return (
    <search>
      <form
        className="row"
        onSubmit={(event) => {
          event.preventDefault();
          change(draft);
        }}
      >
        {fields.map(([name, label, example]) => (
          <Field key={name} label={label}>
            <input
              {...(name === 'about' && { 'data-search': true })}
              placeholder={example}
              value={draft[name] ?? ''}
              onChange={({ target }) => setDraft({ ...draft, [name]: target.value || undefined })}
            />
          </Field>
        ))}
        <Button type="submit">Find</Button>
      </form>
    </search>
  );
}
