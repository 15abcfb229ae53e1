import './change-fields.css';
import { Field } from '../../ui/field.tsx';
import { JsonEditor } from '../../ui/json-editor.tsx';
import type { Fields } from './changes.ts';

export interface ChangeFieldsProps {
  readonly fields: Fields;
  /** The fields that are shown. */
  readonly names: readonly (keyof Fields)[];
  /** Documents that the reader does not see whole. */
  readonly veiled?: readonly ('args' | 'meta')[];
  /** An empty document means no change. */
  readonly mayBeEmpty?: boolean;
  readonly onChange: (change: Partial<Fields>) => void;
}

/** The fields that may be changed of a job, or of many. */
export function ChangeFields({ fields, names, veiled = [], mayBeEmpty = false, onChange }: ChangeFieldsProps) {
  const has = (name: keyof Fields): boolean => names.includes(name);
  const text = (name: keyof Fields) => ({
    value: fields[name],
    spellCheck: false,
    autoComplete: 'off',
    onChange: ({ target }: { readonly target: HTMLInputElement }) => onChange({ [name]: target.value }),
  });
  return (
    <>
      {has('args') &&
        (veiled.includes('args') ? (
          <p>Your token does not show all arguments, so they stay as they are.</p>
        ) : (
          <JsonEditor
            label="Arguments"
            value={fields.args}
            mayBeEmpty={mayBeEmpty}
            onChange={(args) => onChange({ args })}
          />
        ))}
      {has('meta') &&
        (veiled.includes('meta') ? (
          <p>Your token does not show all of meta, so it stays as it is.</p>
        ) : (
          <JsonEditor
            label="Meta"
            value={fields.meta}
            mayBeEmpty={mayBeEmpty}
            hint="Members replace those of the same name. A member that you leave out stays."
            onChange={(meta) => onChange({ meta })}
          />
        ))}
      <div className="form-grid">
        {has('queue') && (
          <Field label="Queue">
            <input {...text('queue')} />
          </Field>
        )}
        {has('priority') && (
          <Field label="Priority" hint="−100 to 100; a higher one starts first">
            <input inputMode="numeric" {...text('priority')} />
          </Field>
        )}
        {has('start') && (
          <Field label="Starts at" hint="now, +PT10M, or a time such as 2026-01-31T09:00:00Z">
            <input {...text('start')} />
          </Field>
        )}
        {has('tags') && (
          <Field label="Tags" hint="Separated by commas">
            <input {...text('tags')} />
          </Field>
        )}
        {has('timeout') && (
          <Field label="Timeout (ms)" hint="Of one attempt">
            <input inputMode="numeric" {...text('timeout')} />
          </Field>
        )}
        {has('maxAttempts') && (
          <Field label="Attempts" hint="At most, retries included">
            <input inputMode="numeric" {...text('maxAttempts')} />
          </Field>
        )}
      </div>
    </>
  );
}
