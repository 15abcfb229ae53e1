import { useSyncExternalStore } from 'react';

/** The choices of a reader, kept in the browser. */
export interface Preferences {
  readonly theme: 'system' | 'light' | 'dark';
  readonly times: 'relative' | 'absolute';
  readonly zone: 'local' | 'utc';
  /** Address of a trace, with `{trace_id}` in it; empty without one. */
  readonly traceUrl: string;
}

const key = 'ojs-preferences';
const initial: Preferences = { theme: 'system', times: 'relative', zone: 'local', traceUrl: '' };

function read(): Preferences {
  try {
    const kept: Partial<Preferences> = JSON.parse(localStorage.getItem(key) ?? '{}');
    return { ...initial, ...kept };
  } catch {
    // A browser may forbid the store, and other pages of the origin may write it.
    return initial;
  }
}

let current = read();
const watchers = new Set<() => void>();

function show(): void {
  if (current.theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = current.theme;
}

show();

export function setPreferences(change: Partial<Preferences>): void {
  current = { ...current, ...change };
  show();
  try {
    localStorage.setItem(key, JSON.stringify(current));
  } catch {
    // Without storage they last until the page is closed.
  }
  for (const watcher of watchers) watcher();
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => current,
  );
}
