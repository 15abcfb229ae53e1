import { useSyncExternalStore } from 'react';
import { formatAbsolute, formatRelative, localZone } from '../format/times.ts';
import { usePreferences } from '../shell/preferences.ts';

let now = Date.now();
let timer: ReturnType<typeof setInterval> | null = null;
const watchers = new Set<() => void>();

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const one of watchers) one();
  }, 1_000);
  return () => {
    watchers.delete(watcher);
    if (watchers.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
}

/** The time now, which moves once a second. */
export function useNow(): number {
  return useSyncExternalStore(watch, () => now);
}

/** A moment, relative or absolute as the reader has chosen; the other form is its title. */
export function Time({ at }: { readonly at: string | number | null | undefined }) {
  if (at === null || at === undefined) return <span className="soft">–</span>;
  const ms = typeof at === 'number' ? at : Date.parse(at);
  return <Moment at={ms} />;
}

function Moment({ at }: { readonly at: number }) {
  const { times, zone } = usePreferences();
  const zoneName = zone === 'utc' ? 'UTC' : localZone;
  const absolute = formatAbsolute(at, zoneName);
  const current = useNow();
  const relative = formatRelative(at, Math.max(current, Date.now() - 1_000));
  return (
    <time
      className="nowrap"
      dateTime={new Date(at).toISOString()}
      title={times === 'relative' ? `${absolute} ${zoneName}` : relative}
    >
      {times === 'relative' ? relative : absolute}
    </time>
  );
}
