import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { forgetAnswers, sessionQuery } from '../api/session.ts';
import { reconnectLive } from '../live/refresh.ts';
import { Button } from '../ui/button.tsx';

/** A mounted dashboard has no login: the application around it decides on every request. */
export function LoggedOut() {
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const again = async (): Promise<void> => {
    setBusy(true);
    forgetAnswers(client);
    await client.invalidateQueries({ queryKey: sessionQuery.queryKey });
    reconnectLive();
    setBusy(false);
  };
  return (
    <main className="login">
      <section>
        <h1>You may not see this dashboard</h1>
        <p className="soft">
          The application that contains the dashboard refuses you. Log in there in another tab, then try again.
        </p>
        <Button kind="primary" disabled={busy} onClick={() => void again()}>
          {busy ? 'Asking…' : 'Try again'}
        </Button>
      </section>
    </main>
  );
}
