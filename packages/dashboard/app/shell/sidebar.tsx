import { Link } from '@tanstack/react-router';
import { logOut, mayCall, useSession } from '../api/session.ts';
import iconAddress from '../static/icon.svg?url';
import { Button } from '../ui/button.tsx';
import { Menu } from '../ui/menu.tsx';
import { groups } from './navigation.ts';
import { setPreferences, usePreferences } from './preferences.ts';

export interface SidebarProps {
  readonly isOpen: boolean;
  /** Marks the page that says what helps. */
  readonly isInTrouble: boolean;
}

export function Sidebar({ isOpen, isInTrouble }: SidebarProps) {
  const session = useSession();
  const { theme, times, zone } = usePreferences();
  return (
    <nav className="sidebar" id="sidebar" aria-label="Pages" data-open={isOpen}>
      <Link to="/" className="brand">
        <img src={iconAddress} alt="" />
        Open Job Spec
      </Link>
      {groups.map(({ label, places }) => {
        const seen = places.filter(({ needs }) => mayCall(session, needs));
        if (seen.length === 0) return null;
        return (
          <section key={label} aria-label={label}>
            <h2>{label}</h2>
            <ul>
              {seen.map(({ to, label: name }) => (
                <li key={to}>
                  <Link to={to} activeOptions={{ exact: to === '/', includeSearch: false }}>
                    {name}
                    {isInTrouble && to === '/doctor' && (
                      <span className="badge" data-tone="bad" title="The storage has a problem">
                        !
                      </span>
                    )}
                  </Link>
                </li>
              ))}
            </ul>
          </section>
        );
      })}
      <div className="sidebar-foot">
        <Menu
          label="Appearance"
          size="small"
          items={[
            ...(['system', 'light', 'dark'] as const).map((one) => ({
              label: `Theme: ${one}`,
              checked: theme === one,
              run: () => setPreferences({ theme: one }),
            })),
            {
              label: 'Absolute times',
              checked: times === 'absolute',
              run: () => setPreferences({ times: times === 'absolute' ? 'relative' : 'absolute' }),
            },
            {
              label: 'Times in UTC',
              checked: zone === 'utc',
              run: () => setPreferences({ zone: zone === 'utc' ? 'local' : 'utc' }),
            },
          ]}
        />
        {session.principal !== null && (
          <span>
            {session.principal} ({session.roles.join(', ')})
          </span>
        )}
        {session.required && session.mode === 'server' && (
          <Button size="small" onClick={() => void logOut().finally(() => location.reload())}>
            Log out
          </Button>
        )}
        <a href={session.docs_url}>Documentation</a>
        <span>ojs-ts {session.version}</span>
      </div>
    </nav>
  );
}
