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

/** The name of the time zone that the reader has chosen. */
export function useZone(): string {
  return usePreferences().zone === 'utc' ? 'UTC' : localZone;
}

/** A moment, relative or absolute as the reader has chosen; the other form is its title. */
export function Time({ at }: { readonly at: string | number | null | undefined }) {
  if (at === null || at === undefined) return <span className="soft">–</span>;
  return <Moment at={typeof at === 'number' ? at : Date.parse(at)} />;
}

function Moment({ at }: { readonly at: number }) {
  const { times } = usePreferences();
  const zone = useZone();
  const absolute = formatAbsolute(at, zone);
  const current = useNow();
  const relative = formatRelative(at, Math.max(current, Date.now() - 1_000));
  return (
    <time
      className="nowrap"
      dateTime={new Date(at).toISOString()}
      title={times === 'relative' ? `${absolute} ${zone}` : relative}
    >
      {times === 'relative' ? relative : absolute}
    </time>
  );
}
