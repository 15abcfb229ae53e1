import { Link } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { builtIn, useSavedViews, type View } from './views.ts';

export interface ViewBarProps {
  readonly q: string;
  /** The columns of the address; empty if the reader's own are shown. */
  readonly asked: string;
  /** The columns that are shown. */
  readonly columns: string;
}

/** Queries by a name: some that everybody has, and those that the reader saved in this browser. */
export function ViewBar({ q, asked, columns }: ViewBarProps) {
  const { views, save, remove } = useSavedViews();
  const [isNaming, setNaming] = useState(false);
  const isShown = (view: View): boolean => view.q === q && (view.columns === '' || view.columns === columns);
  const saved = views.find(isShown);
  const isBuiltIn = builtIn.some((view) => view.q === q && asked === '');
  return (
    <nav className="views" aria-label="Views">
      <ul>
        {[...builtIn, ...views].map((view) => (
          <li key={`${view.name} ${view.q}`}>
            <Link
              to="/jobs"
              search={{ q: view.q || undefined, columns: view.columns || undefined }}
              aria-current={isShown(view) ? 'true' : undefined}
              activeProps={{}}
              activeOptions={{ exact: true, includeSearch: true }}
            >
              {view.name}
            </Link>
          </li>
        ))}
      </ul>
      {saved !== undefined && (
        <Button size="small" kind="plain" onClick={() => remove(saved.name)}>
          Forget {saved.name}
        </Button>
      )}
      {saved === undefined && !isBuiltIn && (
        <Button size="small" kind="plain" onClick={() => setNaming(true)}>
          Save view
        </Button>
      )}
      {isNaming && (
        <SaveView
          names={views.map(({ name }) => name)}
          onSave={(name) => save({ name, q, columns })}
          onClose={() => setNaming(false)}
        />
      )}
    </nav>
  );
}

interface SaveViewProps {
  readonly names: readonly string[];
  readonly onSave: (name: View['name']) => void;
  readonly onClose: () => void;
}

function SaveView({ names, onSave, onClose }: SaveViewProps) {
  const [name, setName] = useState('');
  const trimmed = name.trim();
  const isTaken = builtIn.some((view) => view.name === trimmed);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (trimmed === '' || isTaken) return;
    onSave(trimmed);
    onClose();
  };
  return (
    <Dialog title="Save this view" onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <Field
          label="Name"
          hint={
            names.includes(trimmed)
              ? 'Replaces the view with this name.'
              : 'This browser keeps the query and the columns. The address shares them.'
          }
          problem={isTaken ? 'A built-in view has this name.' : null}
        >
          <input value={name} onChange={({ target }) => setName(target.value)} maxLength={40} autoComplete="off" />
        </Field>
        <div className="dialog-foot">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={trimmed === '' || isTaken}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
