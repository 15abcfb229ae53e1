import type { NamesOf } from '@ojs-ts/core';
import { OJSValidationError } from '../errors.ts';
import { checkNames } from '../options/check-names.ts';
import { EventType } from './types.ts';

/** Selects the events to follow and the first position. */
export interface EventsOptions {
  /** Only events of this queue and its jobs. */
  queue?: string | undefined;
  /** Only events of this job. The loop ends after its last event. */
  jobId?: string | undefined;
  /** Event types, exact or as a prefix with `*` (`'job.*'`). Default: all. */
  types?: readonly string[] | undefined;
  /**
   * Start after the event with this `id`, or after this cursor of the server. Default: only events from now on. With
   * `jobId`, a polled log is read from the job's beginning.
   */
  after?: string | undefined;
  /** If it aborts, the loop throws its reason. */
  signal?: AbortSignal | undefined;
}

const eventsNames: NamesOf<EventsOptions> = { queue: true, jobId: true, types: true, after: true, signal: true };

/** @throws {OJSValidationError} */
export function checkEventsOptions(options: EventsOptions): void {
  checkNames(options, eventsNames);
  const { queue, jobId, types, after } = options;
  for (const [name, value] of Object.entries({ queue, jobId, after })) {
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      throw OJSValidationError.of(name, 'expected a text');
  }
  if (queue !== undefined && jobId !== undefined) throw OJSValidationError.of('queue', 'give queue or jobId, not both');
  if (types === undefined) return;
  if (!Array.isArray(types))
    throw OJSValidationError.of('types', "expected an array such as ['job.completed', 'workflow.*']");
  types.forEach((type, index) => {
    if (typeof type !== 'string' || !/^[a-z0-9_.-]+\*?$|^\*$/.test(type)) {
      throw OJSValidationError.of(
        `types[${index}]`,
        `expected an event type such as 'job.completed' or 'job.*', got ${JSON.stringify(type)}`,
      );
    }
  });
}

/**
 * The event of its own type reports each change of state already. A server that is asked for both sends each change
 * twice (ojs-realtime §4.1).
 */
const stateChanged: string = EventType.JOB_STATE_CHANGED;

/** Every type of the catalogue, once. */
const catalogue: readonly string[] = Object.values(EventType).filter(
  (kind) => kind !== stateChanged && !kind.startsWith('system.'),
);

/**
 * The event types to request. `types` are exact, or a prefix with a trailing `*`; undefined means all. Prefixes are
 * expanded: with `job.*` a server would send each change of state twice.
 */
export function kindsOf(types: readonly string[] | undefined): readonly string[] {
  if (types === undefined || types.length === 0) return catalogue;
  const wanted = types.flatMap((type) => {
    if (!type.endsWith('*')) return [type];
    const matching = catalogue.filter((kind) => kind.startsWith(type.slice(0, -1)));
    // A prefix without a type in the catalogue may name types of that server alone.
    return matching.length > 0 ? matching : [type];
  });
  return [...new Set(wanted)];
}

/** Reports whether an event type matches `types`. Events about the stream itself always match. */
export function matcherOf(types: readonly string[] | undefined): (kind: string) => boolean {
  if (types === undefined || types.length === 0) return () => true;
  const exact = new Set(types.filter((type) => !type.endsWith('*')));
  const prefixes = types.filter((type) => type.endsWith('*')).map((type) => type.slice(0, -1));
  return (kind) => kind.startsWith('system.') || exact.has(kind) || prefixes.some((prefix) => kind.startsWith(prefix));
}
