import { useRef, useState } from 'react';
import { Button, Dialog, Opener, TextField } from '../../ui/index.ts';
import { allColumns, placeOf, usualColumns } from './columns.tsx';

export interface ColumnChooserProps {
  readonly chosen: readonly string[];
  readonly onChange: (ids: readonly string[]) => void;
}

/** Chooses the columns of the list, and columns for paths of `args` and `meta`. */
export function ColumnChooser({ chosen, onChange }: ColumnChooserProps) {
  return (
    <Opener text="Columns" size="small">
      {(close) => <Chooser chosen={chosen} onChange={onChange} onClose={close} />}
    </Opener>
  );
}

function Chooser({ chosen, onChange, onClose }: ColumnChooserProps & { readonly onClose: () => void }) {
  const [path, setPath] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const paths = chosen.filter((id) => placeOf(id) !== null);
  const toggle = (id: string): void => {
    const next = chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id];
    if (next.length > 0) onChange(next);
  };
  const add = (): void => {
    const id = path.trim();
    if (placeOf(id) === null) {
      setProblem('Expected a path such as meta.tenant or args[0].user.');
      return;
    }
    setProblem(null);
    setPath('');
    if (!chosen.includes(id)) onChange([...chosen, id]);
    field.current?.focus();
  };
  const foot = (
    <>
      <Button onClick={() => onChange(usualColumns)}>Reset</Button>
      <Button kind="primary" onClick={onClose}>
        Done
      </Button>
    </>
  );
  return (
    <Dialog title="Columns" onClose={onClose} foot={foot}>
      <fieldset className="column-list">
        <legend className="visually-hidden">Columns of the list</legend>
        {[...allColumns, ...paths.map((id) => ({ id, label: id }))].map(({ id, label }) => (
          <label key={id} className="check">
            <input type="checkbox" checked={chosen.includes(id)} onChange={() => toggle(id)} />
            {label}
          </label>
        ))}
      </fieldset>
      <form
        className="path-form"
        onSubmit={(event) => {
          event.preventDefault();
          add();
        }}
      >
        <TextField
          label="Column of a path"
          hint="A value of the job, such as meta.tenant or args[0].user"
          problem={problem}
          ref={field}
          value={path}
          onChange={setPath}
          autoComplete="off"
          spellCheck={false}
        />
        <Button type="submit">Add</Button>
      </form>
    </Dialog>
  );
}
