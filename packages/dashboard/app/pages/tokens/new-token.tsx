import { type Role, roles } from '@ojs-ts/core/access';
import type { IssuedToken } from '@ojs-ts/core/schemas';
import { useState } from 'react';
import { useAction } from '../../api/calls.ts';
import { Field } from '../../ui/field.tsx';
import { FormDialog } from '../../ui/form-dialog.tsx';
import { purposes } from './roles.tsx';

export interface NewTokenProps {
  readonly onIssued: (issued: IssuedToken) => void;
  readonly onClose: () => void;
}

const ends = [
  ['', 'never'],
  ['+P30D', 'in 30 days'],
  ['+P90D', 'in 90 days'],
  ['+P365D', 'in a year'],
] as const;

export function NewToken({ onIssued, onClose }: NewTokenProps) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [queues, setQueues] = useState('');
  const [redact, setRedact] = useState('');
  const [end, setEnd] = useState('');
  const create = useAction('token.create', {
    changes: ['token.list'],
    onDone: onIssued,
  });
  const body = {
    name,
    roles: [role],
    ...(queues.trim() !== '' && { queues: wordsOf(queues) }),
    ...(redact.trim() !== '' && { redact: wordsOf(redact) }),
    ...(end !== '' && { expires_at: end }),
  };
  return (
    <FormDialog title="New token" submit="Create token" onSubmit={() => create.mutateAsync({ body })} onClose={onClose}>
      <Field label="Name" hint="Who or what uses it.">
        <input value={name} onChange={({ target }) => setName(target.value)} required maxLength={128} />
      </Field>
      <Field label="Role" hint={purposes[role]}>
        <select value={role} onChange={({ target }) => setRole(roles[target.selectedIndex] ?? role)}>
          {roles.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </Field>
      <Field label="Queues" hint="Names, or prefixes such as mail*. Empty for all.">
        <input value={queues} onChange={({ target }) => setQueues(target.value)} spellCheck={false} />
      </Field>
      <Field label="Hidden paths" hint="Such as args[0].card meta.email result.*">
        <input value={redact} onChange={({ target }) => setRedact(target.value)} spellCheck={false} />
      </Field>
      <Field label="Expires">
        <select value={end} onChange={({ target }) => setEnd(target.value)}>
          {ends.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </Field>
    </FormDialog>
  );
}

function wordsOf(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '');
}
