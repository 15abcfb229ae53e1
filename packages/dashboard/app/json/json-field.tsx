import { messageOf } from '../api/failure.ts';
import { Field } from '../ui/field.tsx';
import { parse } from './numeral.ts';

export interface JsonFieldProps {
  readonly label: string;
  readonly hint: string;
  readonly rows: number;
  /** JSON text; it is sent unchanged. */
  readonly value: string;
  readonly onChange: (text: string) => void;
}

/** Short JSON as a plain text of a form. */
export function JsonField({ label, hint, rows, value, onChange }: JsonFieldProps) {
  return (
    <Field label={label} hint={hint}>
      <textarea
        className="mono"
        rows={rows}
        value={value}
        onChange={({ target }) => onChange(target.value)}
        spellCheck={false}
      />
    </Field>
  );
}

/**
 * @param what begins the message: `The schema`
 * @throws Error if the text is no JSON
 */
export function checkJson(text: string, what: string): void {
  try {
    parse(text);
  } catch (error) {
    throw new Error(`${what} is not JSON: ${messageOf(error)}`);
  }
}
