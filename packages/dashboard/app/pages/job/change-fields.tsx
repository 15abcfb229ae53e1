import './change-fields.css';
import { TextField } from '../../ui/index.ts';
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
  return (
    <>
      {names.includes('args') &&
        (veiled.includes('args') ? (
          <p>Your token hides some arguments, so you cannot change them.</p>
        ) : (
          <JsonEditor
            label="Arguments"
            value={fields.args}
            mayBeEmpty={mayBeEmpty}
            onChange={(args) => onChange({ args })}
          />
        ))}
      {names.includes('meta') &&
        (veiled.includes('meta') ? (
          <p>Your token hides a part of meta, so you cannot change it.</p>
        ) : (
          <JsonEditor
            label="Meta"
            value={fields.meta}
            mayBeEmpty={mayBeEmpty}
            hint="Members replace those of the same name. Members that you leave out keep their values."
            onChange={(meta) => onChange({ meta })}
          />
        ))}
      <div className="form-grid">
        {texts
          .filter(([name]) => names.includes(name))
          .map(([name, label, hint, inputMode]) => (
            <TextField
              key={name}
              label={label}
              hint={hint}
              inputMode={inputMode}
              value={fields[name]}
              onChange={(text) => onChange({ [name]: text })}
              spellCheck={false}
              autoComplete="off"
            />
          ))}
      </div>
    </>
  );
}

const texts: readonly (readonly [name: keyof Fields, label: string, hint?: string, mode?: 'numeric'])[] = [
  ['queue', 'Queue'],
  ['priority', 'Priority', '−100 to 100; a higher one starts first', 'numeric'],
  ['start', 'Starts at', 'now, +PT10M, or a time such as 2026-01-31T09:00:00Z'],
  ['tags', 'Tags', 'Separated by commas'],
  ['timeout', 'Timeout (ms)', 'For one attempt', 'numeric'],
  ['maxAttempts', 'Attempts', 'Including the first one', 'numeric'],
];
