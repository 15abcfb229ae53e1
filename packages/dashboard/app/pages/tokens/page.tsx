import type { IssuedToken, Token } from '@ojs-ts/core/schemas';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useCall } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { Badge, CopyAs, Empty, Page as Frame, Loaded, Opener, Time } from '../../ui/index.ts';
import { NewToken, Secret, TokenMenu } from './dialogs.tsx';
import { Roles } from './roles.tsx';

export function Page() {
  const tokens = useCall('token.list', { query: { limit: 1_000 }, refreshMs: 30_000 });
  const mayCreate = useMay('token.create');
  const [issued, setIssued] = useState<IssuedToken | null>(null);
  const columns: readonly Column<Token>[] = [
    { id: 'name', label: 'Name', align: 'clip', cell: ({ name }) => name },
    {
      id: 'id',
      label: 'Id',
      align: 'clip',
      cell: ({ id }) => (
        <Link
          to="/audit"
          search={{ principal: `token_${id}` }}
          className="mono small"
          title="What this token has changed"
        >
          {id}
        </Link>
      ),
    },
    { id: 'state', label: 'State', cell: (token) => <TokenState token={token} /> },
    { id: 'roles', label: 'Roles', cell: ({ roles }) => roles.join(', ') },
    { id: 'queues', label: 'Queues', align: 'clip', cell: ({ queues }) => queues.join(', ') },
    { id: 'hidden', label: 'Hidden paths', align: 'clip', cell: ({ redact }) => redact.join(', ') || '–' },
    { id: 'created', label: 'Created', cell: ({ created_at }) => <Time at={created_at} /> },
    {
      id: 'expires',
      label: 'Expires',
      cell: ({ expires_at }) => (expires_at === null ? 'never' : <Time at={expires_at} />),
    },
    { id: 'actions', label: 'Actions', cell: (token) => <TokenMenu token={token} onIssued={setIssued} /> },
  ];
  return (
    <Frame
      title="Tokens"
      lead="Tokens in the storage. Tokens in the configuration of a server are not listed."
      actions={
        <>
          <Opener text="New token" kind="primary" shown={mayCreate}>
            {(close) => <NewToken onIssued={setIssued} onClose={close} />}
          </Opener>
          <CopyAs operation="token.list" options={{}} command="tokens list" code="await admin.listTokens();" />
        </>
      }
    >
      <Loaded query={tokens}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No token yet">
              <p>
                Without tokens, whoever reaches the server may do everything. Create the first one with the role admin,
                and keep its secret: from then on every call needs a token.
              </p>
            </Empty>
          ) : (
            <DataTable label="Tokens" rows={items} columns={columns} idOf={({ id }) => id} />
          )
        }
      </Loaded>
      <Roles />
      {issued !== null && <Secret issued={issued} onClose={() => setIssued(null)} />}
    </Frame>
  );
}

function TokenState({ token }: { readonly token: Token }) {
  const now = Date.now();
  const isAfter = (at: string | null): boolean => at !== null && Date.parse(at) > now;
  if (token.revoked_at !== null) return <Badge tone="bad">revoked</Badge>;
  if (token.expires_at !== null && !isAfter(token.expires_at)) return <Badge tone="mute">expired</Badge>;
  if (isAfter(token.previous_until)) return <Badge tone="warn">both secrets valid</Badge>;
  return <Badge tone="good">valid</Badge>;
}
