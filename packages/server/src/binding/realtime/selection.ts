import { type EventKind, jobTypeOf } from '@ojs-ts/core';
import { isChange, type LogEvent } from '../../engine/events/event-subscriptions.ts';
import { kindMatcher } from '../../engine/events/events.ts';

/** Which events a client wants; all that are given must hold (ojs-events §6.1). */
export interface Filter {
  /** Kinds, a trailing `*` for a prefix. Empty: whatever happens is told once. */
  readonly types: readonly string[];
  readonly queues: readonly string[];
  readonly jobTypes: readonly string[];
}

/**
 * The id of an item: to go on after the first of two means to get the second, so that one lies between the positions.
 */
export function idOf({ event, more }: Item): string {
  return more ? `${event.position - 1}.5` : `${event.position}`;
}

/** No kind has this name. */
export const nothing: Filter = { types: ['-'], queues: [], jobTypes: [] };

/** A message to come. One event of the log may make two: that the state changed, and what the catalogue calls it. */
export interface Item {
  readonly event: LogEvent;
  readonly view: 'change' | 'event';
  /** Another item of the same event follows. */
  readonly more: boolean;
}

/**
 * What a subscription gets of one event: the change of state, the event itself, first the one and then the other, or
 * nothing.
 */
export type Wanted = 'change' | 'event' | 'both' | 'nothing';

/** Asked about every event of the log, for every subscription. */
export type Select = (event: LogEvent) => Wanted;

export function itemsOf(event: LogEvent, wanted: Wanted): readonly Item[] {
  if (wanted === 'nothing') return [];
  if (wanted !== 'both') return [{ event, view: wanted, more: false }];
  return [
    { event, view: 'change', more: true },
    { event, view: 'event', more: false },
  ];
}

const changeKind: EventKind = 'job.state_changed';

/** Whether the filter lets changes of state pass, whatever the job. */
export function wantsChanges({ types }: Filter): boolean {
  return types.length === 0 || kindMatcher(types)(changeKind);
}

/**
 * What of the log a subscription gets. A change of state is told as job.state_changed, whatever the catalogue's events
 * for it are; those come where the client names their kinds. What changes no state (a creation, progress, a pause, a
 * workflow's events) comes under its own kind.
 */
export function selector(filter: Filter): Select {
  const passes = scope(filter);
  if (filter.types.length === 0) {
    return (event) => {
      if (!passes(event)) return 'nothing';
      if (isChange(event.entry)) return event.moves ? 'change' : 'nothing';
      return 'event';
    };
  }
  const ofKind = kindMatcher(filter.types);
  const changes = ofKind(changeKind);
  return (event) => {
    const [kind] = event.entry;
    const change = changes && event.moves;
    const own = kind !== changeKind && ofKind(kind);
    if ((!change && !own) || !passes(event)) return 'nothing';
    if (change && own) return 'both';
    return change ? 'change' : 'event';
  };
}

/** The log as it is, one item an event: what `channel: "events"` gets (ojs-events §6.2). */
export function logSelector(filter: Filter): Select {
  const passes = scope(filter);
  const ofKind = kindMatcher(filter.types);
  return (event) => ((filter.types.length === 0 || ofKind(event.entry[0])) && passes(event) ? 'event' : 'nothing');
}

function scope({ queues, jobTypes }: Filter): (event: LogEvent) => boolean {
  if (queues.length === 0 && jobTypes.length === 0) return () => true;
  const inQueues = new Set(queues);
  const ofTypes = new Set(jobTypes);
  return ({ entry }) =>
    (inQueues.size === 0 || inQueues.has(entry[3])) && (ofTypes.size === 0 || ofTypes.has(jobTypeOf(entry) ?? ''));
}
