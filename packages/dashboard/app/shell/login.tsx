import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { messageOf } from '../api/failure.ts';
import { forgetAnswers, logIn, sessionQuery } from '../api/session.ts';
import { reconnectLive } from '../live/refresh.ts';
import { Button } from '../ui/button.tsx';
import { TextField } from '../ui/field.tsx';

/** Asks for a token. The browser then has a cookie that no script can read. */
export function Login() {
  const client = useQueryClient();
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const enter = async (): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      const session = await logIn(token.trim());
      forgetAnswers(client);
      client.setQueryData(sessionQuery.queryKey, session);
      reconnectLive();
    } catch (error) {
      setProblem(messageOf(error));
      setBusy(false);
    }
  };
  return (
    <main className="login">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void enter();
        }}
      >
        <h1>Log in</h1>
        <p className="soft">
          This server needs a token. An administrator creates one with <code>ojs tokens create</code>.
        </p>
        <TextField
          label="Token"
          problem={problem}
          type="password"
          autoComplete="current-password"
          value={token}
          onChange={setToken}
          required
        />
        <Button type="submit" kind="primary" disabled={busy || token.trim() === ''}>
          {busy ? 'Checking…' : 'Log in'}
        </Button>
      </form>
    </main>
  );
}
