import { storeOf } from '../store.ts';

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

const preferences = storeOf(read());
export const usePreferences = preferences.useValue;

function show(): void {
  const { theme } = preferences.get();
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

show();

export function setPreferences(change: Partial<Preferences>): void {
  preferences.set({ ...preferences.get(), ...change });
  show();
  try {
    localStorage.setItem(key, JSON.stringify(preferences.get()));
  } catch {
    // Without storage they last until the page is closed.
  }
}
