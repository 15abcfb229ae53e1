import type { JobRecord } from '../job/job.ts';
import { State } from '../job/states.ts';
import { expectedJobType, expectedQueueName, isJobType, isQueueName } from '../names.ts';
import { didYouMean } from '../suggestion.ts';
import type { Millis } from '../time/clock.ts';
import { readDuration } from '../time/duration.ts';

/** Settings of the history of jobs (ojs-execution-history §6). */
export interface HistoryOptions {
  /** False answers every history as empty. Default true. */
  readonly enabled: boolean;
  /** Days after which an event leaves the history; a whole number from 1. Default 30. */
  readonly retentionDays: number;
  /** How many of its newest events a job's history has; a whole number from 1. Default 1,000. */
  readonly maxEventsPerJob: number;
  /**
   * Retentions by queue, type and state, such as `queue=mail,type=email.*,state=completed:7d`. The first one that fits
   * a job holds for it. None is shorter than a day. Default none.
   */
  readonly rules: readonly string[];
}

export interface HistoryRule {
  /** A name, or with a trailing `*` every name with that prefix. */
  readonly queue?: string;
  readonly type?: string;
  readonly state?: EndedKind;
  readonly keepMs: Millis;
}

export interface HistoryPolicy {
  readonly enabled: boolean;
  readonly keepMs: Millis;
  readonly maxEvents: number;
  readonly rules: readonly HistoryRule[];
}

/** Kinds of ended jobs: a dead letter is no discarded job here, as in the retention of jobs. */
export const endedKinds = ['completed', 'cancelled', 'discarded', 'dead_letter'] as const;
export type EndedKind = (typeof endedKinds)[number];

const dayMs = 86_400_000;
const parts = ['queue', 'type', 'state'] as const;

export const historyDefaults: HistoryOptions = { enabled: true, retentionDays: 30, maxEventsPerJob: 1_000, rules: [] };

/** @throws RangeError for a number below 1, and for a rule that cannot be read. */
export function historyPolicy(options: Partial<HistoryOptions> = {}): HistoryPolicy {
  const { enabled, retentionDays, maxEventsPerJob, rules } = { ...historyDefaults, ...options };
  for (const [name, number] of Object.entries({ retentionDays, maxEventsPerJob })) {
    if (!Number.isInteger(number) || number < 1)
      throw new RangeError(`history.${name} is ${number}; expected a whole number from 1`);
  }
  return { enabled, keepMs: retentionDays * dayMs, maxEvents: maxEventsPerJob, rules: rules.map(readHistoryRule) };
}

/** @throws RangeError that says what is wrong with the text. */
export function readHistoryRule(text: string): HistoryRule {
  const wrong = (what: string) =>
    new RangeError(`the history rule ${text}: ${what}; expected a rule such as queue=mail,state=completed:7d`);
  const at = text.lastIndexOf(':');
  const keepMs = at === -1 ? null : readDuration(text.slice(at + 1));
  if (keepMs === null) throw wrong('no duration after a colon');
  // The idempotency keys of calls are in the past of a job, and hold for a day.
  if (keepMs < dayMs) throw wrong('a duration below 24h');
  const rule: { queue?: string; type?: string; state?: EndedKind } = {};
  for (const part of text.slice(0, at).split(',')) {
    const [given = '', value = ''] = part.split(/=(.*)/s);
    const name = parts.find((one) => one === given);
    if (name === undefined) throw wrong(`unknown part ${given}, of queue, type and state.${didYouMean(given, parts)}`);
    if (rule[name] !== undefined) throw wrong(`two parts ${name}`);
    if (name === 'state') {
      const state = endedKinds.find((one) => one === value);
      if (state === undefined)
        throw wrong(`unknown state ${value}, of ${endedKinds.join(', ')}.${didYouMean(value, endedKinds)}`);
      rule.state = state;
    } else if (value.endsWith('*') || (name === 'queue' ? isQueueName(value) : isJobType(value))) rule[name] = value;
    else throw wrong(`${name} must be ${name === 'queue' ? expectedQueueName : expectedJobType}, or end with *`);
  }
  return { ...rule, keepMs };
}

/**
 * How long the events of a job stay in its history. `deletes`: upkeep also deletes the past of the job, with its
 * errors, once its end is that old. The errors of a discarded job are why it is kept, so only a rule that names its
 * state deletes them.
 */
export function historyRetention(
  job: Pick<JobRecord, 'queue' | 'type' | 'state' | 'deadLetter'>,
  { rules, keepMs }: HistoryPolicy,
): { readonly keepMs: Millis; readonly deletes: boolean } {
  const kind = kindOf(job);
  const rule = rules.find(
    ({ queue, type, state }) =>
      (queue === undefined || matches(queue, job.queue)) &&
      (type === undefined || matches(type, job.type)) &&
      (state === undefined || state === kind),
  );
  return { keepMs: rule?.keepMs ?? keepMs, deletes: kind !== null && (goesByAge(kind) || rule?.state === kind) };
}

/** Each age at which upkeep may have to delete the past of a job of this kind. */
export function deletionAges({ rules, keepMs }: HistoryPolicy, kind: EndedKind): readonly Millis[] {
  const own = rules.filter(({ state }) => state === kind || (state === undefined && goesByAge(kind)));
  return [...new Set([...own.map((rule) => rule.keepMs), ...(goesByAge(kind) ? [keepMs] : [])])];
}

function goesByAge(kind: EndedKind): boolean {
  return kind === 'completed' || kind === 'cancelled';
}

function kindOf({ state, deadLetter }: Pick<JobRecord, 'state' | 'deadLetter'>): EndedKind | null {
  if (state === State.completed) return 'completed';
  if (state === State.cancelled) return 'cancelled';
  if (state !== State.discarded) return null;
  return deadLetter ? 'dead_letter' : 'discarded';
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}
