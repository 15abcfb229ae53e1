import { EventType } from './types.ts';

/** What is told in its own words anyway; asked for beside them, a server tells each change twice (ojs-realtime §4.1). */
const stateChanged: string = EventType.JOB_STATE_CHANGED;

/** Every kind of the catalogue, once. */
const catalogue: readonly string[] = Object.values(EventType).filter(
  (kind) => kind !== stateChanged && !kind.startsWith('system.'),
);

/**
 * The kinds to ask a server for, where the caller wants `types` (exact, or a prefix with a trailing `*`; undefined for everything): prefixes are spelled
 * out, so that `job.*` does not bring each change of state in two vocabularies.
 */
export function kindsOf(types: readonly string[] | undefined): readonly string[] {
  if (types === undefined || types.length === 0) return catalogue;
  const wanted = types.flatMap((type) => {
    if (!type.endsWith('*')) return [type];
    const known = catalogue.filter((kind) => kind.startsWith(type.slice(0, -1)));
    // A prefix that we know nothing under may mean kinds of that server's own.
    return known.length > 0 ? known : [type];
  });
  return [...new Set(wanted)];
}

/** Whether a kind is one of `types`; what a stream says about itself always is. */
export function matcherOf(types: readonly string[] | undefined): (kind: string) => boolean {
  if (types === undefined || types.length === 0) return () => true;
  const exact = new Set(types.filter((type) => !type.endsWith('*')));
  const prefixes = types.filter((type) => type.endsWith('*')).map((type) => type.slice(0, -1));
  return (kind) => kind.startsWith('system.') || exact.has(kind) || prefixes.some((prefix) => kind.startsWith(prefix));
}
