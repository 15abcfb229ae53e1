import type { IssuedToken, Token } from '@ojs-ts/core/schemas';
import { useState } from 'react';
import { useAction } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { Menu } from '../../ui/menu.tsx';

export interface TokenMenuProps {
  readonly token: Token;
  readonly onIssued: (issued: IssuedToken) => void;
}

export function TokenMenu({ token, onIssued }: TokenMenuProps) {
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
