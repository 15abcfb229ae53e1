import type { HistoryRecord } from './records.ts';
import type { Rule, Violation } from './rule.ts';
import { attempts } from './rules/attempts.ts';
import { cron } from './rules/crons.ts';
import { events } from './rules/events.ts';
import { counters, deadline, loss, stuck } from './rules/jobs.ts';
import { fence, lease } from './rules/leases.ts';
import { limit } from './rules/limits.ts';
import { order } from './rules/order.ts';
import { result } from './rules/results.ts';
import { again, first, ledger, race, rows, fence as stepFence, order as stepOrder } from './rules/steps.ts';
import { progress, suspend } from './rules/suspensions.ts';
import { unique } from './rules/uniqueness.ts';
import { workflow } from './rules/workflows.ts';
import { timelineOf } from './timeline.ts';

export { read } from './reader.ts';
export type * from './records.ts';
export type { Violation } from './rule.ts';

const rules = {
  loss,
  stuck,
  lease,
  fence,
  result,
  unique,
  limit,
  attempts,
  order,
  workflow,
  cron,
  events,
  counters,
  deadline,
  'step-again': again,
  'step-first': first,
  'step-order': stepOrder,
  race,
  'step-fence': stepFence,
  'step-rows': rows,
  ledger,
  suspend,
  progress,
} satisfies Readonly<Record<string, Rule>>;
export type RuleName = keyof typeof rules;

export interface Verdict {
  /** By time. */
  readonly violations: readonly Violation[];
  readonly jobs: number;
  readonly records: number;
  /** How many things each rule looked at. A rule that looked at nothing has shown nothing. */
  readonly judged: Readonly<Record<RuleName, number>>;
}

/** Judges a history by every rule. The records are in order of `at`; `read` makes them of lines. */
export function check(records: Iterable<HistoryRecord>): Verdict {
  const timeline = timelineOf(records);
  const violations: Violation[] = [];
  const judge = (rule: RuleName) => rules[rule](timeline, (violation) => violations.push({ rule, ...violation }));
  const judged = {
    loss: judge('loss'),
    stuck: judge('stuck'),
    lease: judge('lease'),
    fence: judge('fence'),
    result: judge('result'),
    unique: judge('unique'),
    limit: judge('limit'),
    attempts: judge('attempts'),
    order: judge('order'),
    workflow: judge('workflow'),
    cron: judge('cron'),
    events: judge('events'),
    counters: judge('counters'),
    deadline: judge('deadline'),
    'step-again': judge('step-again'),
    'step-first': judge('step-first'),
    'step-order': judge('step-order'),
    race: judge('race'),
    'step-fence': judge('step-fence'),
    'step-rows': judge('step-rows'),
    ledger: judge('ledger'),
    suspend: judge('suspend'),
    progress: judge('progress'),
  };
  violations.sort((left, right) => left.at - right.at);
  return { violations, jobs: timeline.jobs.size, records: timeline.records, judged };
}
