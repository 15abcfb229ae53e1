import { type ComponentProps, cloneElement, type ReactElement, useId } from 'react';

interface Labels {
  readonly label: string;
  readonly hint?: string | undefined;
  readonly problem?: string | null | undefined;
}

export interface FieldProps extends Labels {
  /** An input, a select or a textarea. */
  readonly children: ReactElement<{ id?: string; 'aria-invalid'?: boolean; 'aria-describedby'?: string }>;
}

/** A labelled input with what is expected, and what is wrong with it. */
export function Field({ label, hint, problem, children }: FieldProps) {
  const id = useId();
  const described = problem ? `${id}-problem` : hint ? `${id}-hint` : undefined;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {cloneElement(children, {
        id,
        'aria-invalid': Boolean(problem),
        ...(described !== undefined && { 'aria-describedby': described }),
      })}
      {hint && !problem && (
        <span className="hint small" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {problem && (
        <span className="problem" id={`${id}-problem`}>
          {problem}
        </span>
      )}
    </div>
  );
}

type Control<Name extends 'input' | 'select'> = Omit<ComponentProps<Name>, 'value' | 'onChange'> & {
  readonly value: string;
  readonly onChange: (text: string) => void;
};

/** A field of one line of text. */
export function TextField({ label, hint, problem, onChange, ...rest }: Labels & Control<'input'>) {
  return (
    <Field label={label} hint={hint} problem={problem}>
      <input {...rest} onChange={({ target }) => onChange(target.value)} />
    </Field>
  );
}

export interface SelectProps extends Control<'select'> {
  /** Values, those with another text as a pair. */
  readonly options: readonly (string | readonly [value: string, text: string])[];
}

export function Select({ options, onChange, ...rest }: SelectProps) {
  return (
    <select {...rest} onChange={({ target }) => onChange(target.value)}>
      {options.map((option) => {
        const [value, text] = typeof option === 'string' ? [option, option] : option;
        return (
          <option key={value} value={value}>
            {text}
          </option>
        );
      })}
    </select>
  );
}
