import { stringify } from '../json/numeral.ts';

/** Characters of a value that a cell has; the whole value is on the page of the job. */
const shown = 200;

/** Characters of an id that differ between jobs of one moment: its beginning is the time. */
const tail = 12;

export interface JobPreviewProps {
  readonly job: { readonly id: string; readonly args?: unknown };
}

/** Distinguishes the jobs of a type: by their arguments, else by the end of the id. */
export function JobPreview({ job: { id, args } }: JobPreviewProps) {
  const isEmpty = !Array.isArray(args) || args.length === 0;
  if (isEmpty) {
    return (
      <span className="mono soft nowrap" title={id}>
        {`…${id.slice(-tail)}`}
      </span>
    );
  }
  return <JsonPreview value={args} />;
}

/** The beginning of a value in one line. */
export function JsonPreview({ value }: { readonly value: unknown }) {
  if (value === undefined) return null;
  const text = typeof value === 'string' ? value : stringify(value);
  return (
    <span className="mono" title={text.slice(0, 1_000)}>
      {text.slice(0, shown)}
    </span>
  );
}
