import { useSyncExternalStore } from 'react';

const watchers = new Set<() => void>();
const read = new Map<string, { readonly text: string | null; readonly value: unknown }>();

function textOf(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    // A browser may forbid the store; a value is then kept until the page is closed.
    return read.get(key)?.text ?? null;
  }
}

/** Returns the value that the browser keeps under the key; null if it keeps nothing that can be read. */
export function keptValue(key: string): unknown {
  const text = textOf(key);
  const last = read.get(key);
  if (last?.text === text) return last.value;
  let value: unknown = null;
  try {
    value = JSON.parse(text ?? 'null');
  } catch {
    // Other pages of the origin may write there.
  }
  read.set(key, { text, value });
  return value;
}

export function keep(key: string, value: unknown): void {
  const text = JSON.stringify(value);
  read.set(key, { text, value });
  try {
    localStorage.setItem(key, text);
  } catch {
    // Without storage the value lasts until the page is closed.
  }
  for (const watcher of watchers) watcher();
}

/** The kept value, also after another tab has changed it. */
export function useKept(key: string): unknown {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      addEventListener('storage', watcher);
      return () => {
        watchers.delete(watcher);
        removeEventListener('storage', watcher);
      };
    },
    () => keptValue(key),
  );
}
