import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { Button, FormDialog, Opener, TextField } from '../../ui/index.ts';
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
      <Opener text="Save view" size="small" kind="plain" shown={saved === undefined && !isBuiltIn}>
        {(close) => (
          <SaveView
            names={views.map(({ name }) => name)}
            onSave={(name) => save({ name, q, columns })}
            onClose={close}
          />
        )}
      </Opener>
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
  return (
    <FormDialog
      title="Save this view"
      submit="Save"
      isReady={trimmed !== '' && !isTaken}
      onSubmit={async () => onSave(trimmed)}
      onClose={onClose}
    >
      <TextField
        label="Name"
        hint={
          names.includes(trimmed)
            ? 'Replaces the view with this name.'
            : 'This browser keeps the query and the columns. The address shares them.'
        }
        problem={isTaken ? 'A built-in view has this name.' : null}
        value={name}
        onChange={setName}
        maxLength={40}
        autoComplete="off"
      />
    </FormDialog>
  );
}
