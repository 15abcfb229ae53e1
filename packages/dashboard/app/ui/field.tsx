import { cloneElement, type ReactElement, useId } from 'react';

export interface FieldProps {
  readonly label: string;
  readonly hint?: string;
  readonly problem?: string | null;
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
