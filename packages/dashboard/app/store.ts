import { useSyncExternalStore } from 'react';

/** A value outside of the components, and those that follow it. */
export function storeOf<Value>(first: Value) {
  let value = first;
  const watchers = new Set<() => void>();
  const subscribe = (watcher: () => void) => {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  };
  return {
    get: () => value,
    set: (next: Value): void => {
      value = next;
      for (const watcher of watchers) watcher();
    },
    useValue: () => useSyncExternalStore(subscribe, () => value),
  };
}
