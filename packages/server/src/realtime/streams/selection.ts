import { type EventKind, jobTypeOf, kindMatcher } from '@ojs-ts/core/events';
import { cursorText, halfCursorText } from '../log/cursors.ts';
import { kindsOf } from '../log/events.ts';
import { isChange, type LogEvent } from '../log/log-events.ts';

/** The events that a client wants; all members must match (ojs-events §6.1). */
export interface Filter {
  /** Kinds, a trailing `*` for a prefix. Empty: each change once. */
  readonly types: readonly string[];
  readonly queues: readonly string[];
  readonly jobTypes: readonly string[];
}

/**
 * The id of an item. A client that continues after the first of two items of an event gets the second, so that one has
 * an id between the positions.
 */
export function idOf({ event, more }: Item): string {
  return more ? halfCursorText(event.position, event.at) : cursorText(event.position, event.at);
}

/** No kind has this name. */
export const nothing: Filter = { types: ['-'], queues: [], jobTypes: [] };

/** A message. One event of the log may make two: the change of state, and the event of the catalogue. */
export interface Item {
  readonly event: LogEvent;
  readonly view: 'change' | 'event';
  /** Another item of the same event follows. */
  readonly more: boolean;
}

/**
 * The messages of one event for a subscription: the change of state, the event itself, both in this order, or nothing.
 */
export type Wanted = 'change' | 'event' | 'both' | 'nothing';

/** Runs for every event of the log and every subscription. */
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

/** Reports whether the filter matches changes of state, of any job. */
export function wantsChanges({ types }: Filter): boolean {
  return types.length === 0 || kindMatcher(types)(changeKind);
}

/** The kinds of events by which the filter can match; undefined where that may be any, as for changes of state. */
export function kindsFor(filter: Filter): readonly EventKind[] | undefined {
  return wantsChanges(filter) ? undefined : kindsOf(filter.types);
}

/**
 * Selects the messages of a subscription from the log. A change of state is sent as job.state_changed, whatever the
 * catalogue's events for it are; those are sent if the client names their kinds. An event without a change of state (a
 * creation, progress, a pause, a workflow's event) has its own kind.
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

/** The log as it is, one item an event: the view of `channel: "events"` (ojs-events §6.2). */
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
