import { useQueryClient } from '@tanstack/react-query';
import { Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { sessionEnded } from '../api/client.ts';
import { mayCall, sessionQuery, useSession } from '../api/session.ts';
import { dismissGap, useLive } from '../live/refresh.ts';
import type { LiveState } from '../live/stream.ts';
import { Button } from '../ui/button.tsx';
import { OutageShown } from '../ui/states.tsx';
import { ToastList } from '../ui/toast-list.tsx';
import { LoggedOut } from './logged-out.tsx';
import { Login } from './login.tsx';
import { groups } from './navigation.ts';
import { OutageBanner, useOutage } from './outage.tsx';
import { useShortcuts } from './shortcuts.ts';
import { Sidebar } from './sidebar.tsx';

const Palette = lazy(async () => ({ default: (await import('./palette.tsx')).Palette }));
const ShortcutList = lazy(async () => ({ default: (await import('./shortcut-list.tsx')).ShortcutList }));

/** The frame around every page. */
export function Shell() {
  const session = useSession();
  const client = useQueryClient();
  useEffect(() => {
    const ended = (): void => void client.invalidateQueries({ queryKey: sessionQuery.queryKey });
    sessionEnded.addEventListener('ended', ended);
    return () => sessionEnded.removeEventListener('ended', ended);
  }, [client]);
  if (session.authenticated) return <Frame />;
  return session.mode === 'mounted' ? <LoggedOut /> : <Login />;
}

function Frame() {
  const [opened, setOpened] = useState<'palette' | 'shortcuts' | null>(null);
  const [isMenuOpen, setMenuOpen] = useState(false);
  const navigate = useNavigate();
  const client = useQueryClient();
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const main = useRef<HTMLElement>(null);
  const { gapAt } = useLive();
  const session = useSession();
  const outage = useOutage();
  useShortcuts({
    'mod+k': () => setOpened('palette'),
    '/': () => document.querySelector<HTMLElement>('[data-search]')?.focus(),
    '?': () => setOpened('shortcuts'),
    '.': () => void client.invalidateQueries(),
    ...Object.fromEntries(
      groups
        .flatMap(({ places }) => places)
        .filter(({ needs }) => mayCall(session, needs))
        .map(({ to, key }) => [`g ${key}`, () => void navigate({ to })]),
    ),
  });
  const seen = useRef(path);
  useEffect(() => {
    if (seen.current === path) return;
    seen.current = path;
    setMenuOpen(false);
    // A reader of the screen, and the Tab key, begin with the new page.
    main.current?.focus({ preventScroll: true });
  }, [path]);
  return (
    <div className="shell">
      <a className="skip-link" href="#main">
        Skip to content
      </a>
      <Sidebar isOpen={isMenuOpen} isInTrouble={outage !== null} />
      <div className="content">
        <div className="topbar">
          <span className="menu-button">
            <Button aria-expanded={isMenuOpen} aria-controls="sidebar" onClick={() => setMenuOpen(!isMenuOpen)}>
              Menu
            </Button>
          </span>
          <Button kind="default" onClick={() => setOpened('palette')}>
            Search or jump <kbd className="wide">Ctrl K</kbd>
          </Button>
          <span className="spring" />
          <LiveIndicator />
        </div>
        {outage !== null && <OutageBanner outage={outage} />}
        {gapAt !== null && (
          <div className="notice" role="status">
            Some events were missed, so the page has read everything again.
            <Button size="small" onClick={dismissGap}>
              Dismiss
            </Button>
          </div>
        )}
        <main className="page" id="main" ref={main} tabIndex={-1}>
          <OutageShown value={outage?.isBlind ?? false}>
            <Outlet />
          </OutageShown>
        </main>
      </div>
      <ToastList />
      <Suspense>
        {opened === 'palette' && <Palette onClose={() => setOpened(null)} />}
        {opened === 'shortcuts' && <ShortcutList onClose={() => setOpened(null)} />}
      </Suspense>
    </div>
  );
}

const texts: Readonly<Record<LiveState, string>> = {
  connecting: 'Connecting',
  live: 'Live',
  paused: 'Paused',
  offline: 'Offline',
  refused: 'Not live',
};

function LiveIndicator() {
  const { state } = useLive();
  return (
    <span className="live" data-state={state} role="status">
      {texts[state]}
    </span>
  );
}
