import { type Role, roles } from '@ojs-ts/core/access';
import type { IssuedToken, Token } from '@ojs-ts/core/schemas';
import { useState } from 'react';
import { useAction } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { Button, Confirm, copyText, Dialog, Field, FormDialog, Select, TextField, Time } from '../../ui/index.ts';
import { Menu } from '../../ui/menu.tsx';
import { purposes } from './roles.tsx';

interface Issuing {
  readonly onIssued: (issued: IssuedToken) => void;
}

const ends = [
  ['', 'never'],
  ['+P30D', 'in 30 days'],
  ['+P90D', 'in 90 days'],
  ['+P365D', 'in a year'],
] as const;

export function NewToken({ onIssued, onClose }: Issuing & { readonly onClose: () => void }) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [queues, setQueues] = useState('');
  const [redact, setRedact] = useState('');
  const [end, setEnd] = useState('');
  const create = useAction('token.create', { changes: ['token.list'], onDone: onIssued });
  const body = {
    name,
    roles: [role],
    ...(queues.trim() !== '' && { queues: wordsOf(queues) }),
    ...(redact.trim() !== '' && { redact: wordsOf(redact) }),
    ...(end !== '' && { expires_at: end }),
  };
  const choose = (chosen: string): void => setRole(roles.find((one) => one === chosen) ?? role);
  return (
    <FormDialog title="New token" submit="Create token" onSubmit={() => create.mutateAsync({ body })} onClose={onClose}>
      <TextField
        label="Name"
        hint="The program or person that uses it."
        value={name}
        onChange={setName}
        required
        maxLength={128}
      />
      <Field label="Role" hint={purposes[role]}>
        <Select value={role} onChange={choose} options={roles} />
      </Field>
      <TextField
        label="Queues"
        hint="Names, or prefixes such as mail*. Empty for all."
        value={queues}
        onChange={setQueues}
        spellCheck={false}
      />
      <TextField
        label="Hidden paths"
        hint="Such as args[0].card meta.email result.*"
        value={redact}
        onChange={setRedact}
        spellCheck={false}
      />
      <Field label="Expires">
        <Select value={end} onChange={setEnd} options={ends} />
      </Field>
    </FormDialog>
  );
}

function wordsOf(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '');
}

/** Shown once: the server keeps only a hash. */
export function Secret({ issued, onClose }: { readonly issued: IssuedToken; readonly onClose: () => void }) {
  const { token, secret } = issued;
  const foot = (
    <>
      <Button onClick={() => void copyText(secret, 'the secret')}>Copy</Button>
      <Button kind="primary" onClick={onClose}>
        Done
      </Button>
    </>
  );
  return (
    <Dialog title={`Secret of ${token.name}`} onClose={onClose} foot={foot}>
      <p>Copy it now. The server keeps only a hash, and never shows it again.</p>
      <pre className="json">
        <code>{secret}</code>
      </pre>
      {token.previous_until !== null && (
        <p>
          The old secret is valid too. It ends <Time at={token.previous_until} />.
        </p>
      )}
    </Dialog>
  );
}

export function TokenMenu({ token, onIssued }: Issuing & { readonly token: Token }) {
  const [asked, setAsked] = useState<'rotate' | 'revoke' | null>(null);
  const rotate = useAction('token.rotate', { changes: ['token.list'], onDone: onIssued });
  const revoke = useAction('token.revoke', { changes: ['token.list'], done: `Revoked ${token.name}.` });
  const may = useMay('token.rotate');
  if (!may || token.revoked_at !== null) return null;
  const params = { id: token.id };
  return (
    <>
      <Menu
        label="…"
        name={`Actions for ${token.name}`}
        size="small"
        items={[
          { label: 'Rotate secret…', run: () => setAsked('rotate') },
          { label: 'Revoke…', kind: 'danger', run: () => setAsked('revoke') },
        ]}
      />
      {asked === 'rotate' && (
        <Confirm
          title={`Rotate the secret of ${token.name}?`}
          confirm="Create secret"
          onConfirm={() => rotate.mutateAsync({ params, body: {} })}
          onClose={() => setAsked(null)}
        >
          The server makes a new secret. The old one stays valid for a day, so that nobody is locked out.
        </Confirm>
      )}
      {asked === 'revoke' && (
        <Confirm
          title={`Revoke ${token.name}?`}
          confirm="Revoke"
          destroys
          onConfirm={() => revoke.mutateAsync({ params })}
          onClose={() => setAsked(null)}
        >
          Every server refuses it within five seconds, and closes its streams. You cannot undo this.
        </Confirm>
      )}
    </>
  );
}
