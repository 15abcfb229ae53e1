import {
  countedStarts,
  type JobRecord,
  type LimitNumbers,
  type NewJob,
  type State,
  State as States,
  type Transition,
} from '@ojs-ts/core';
import type { Inserted, LimitRecord, Moved, QueueRecord } from '../storage.ts';
import { noConfig } from '../storage.ts';
import type { Packed } from './connection/msgpack.ts';

type Members = { readonly [name: string]: Packed | undefined };

export function listOf(packed: Packed | undefined): readonly Packed[] {
  if (Array.isArray(packed)) return packed;
  throw wrong('a list', packed);
}

export function membersOf(packed: Packed | undefined): Members {
  if (isMembers(packed)) return packed;
  throw wrong('a map', packed);
}

function isMembers(packed: Packed | undefined): packed is Members {
  return typeof packed === 'object' && packed !== null && !Array.isArray(packed);
}

export function text(packed: Packed | undefined): string {
  if (typeof packed === 'string') return packed;
  throw wrong('a text', packed);
}

export function number(packed: Packed | undefined): number {
  if (typeof packed === 'number') return packed;
  throw wrong('a number', packed);
}

/** A value that is absent in Lua is missing in a map, and `false` in a list. */
function isAbsent(packed: Packed | undefined): packed is undefined | null | false {
  return packed === undefined || packed === null || packed === false;
}

export function textOrNull(packed: Packed | undefined): string | null {
  return isAbsent(packed) ? null : text(packed);
}

export function numberOrNull(packed: Packed | undefined): number | null {
  return isAbsent(packed) ? null : number(packed);
}

function state(packed: Packed | undefined): State {
  const found = Object.values(States).find((state) => state === packed);
  if (found === undefined) throw wrong('a state', packed);
  return found;
}

function wrong(expected: string, packed: Packed | undefined): TypeError {
  return new TypeError(`Redis: a script answered ${JSON.stringify(packed)}; expected ${expected}.`);
}

function given<T>(value: T | null): T | undefined {
  return value ?? undefined;
}

/** A job as the operation `insert` takes it. */
export function packJob(job: NewJob): Packed {
  const { unique, limits, node } = job;
  return {
    job: {
      id: job.id,
      type: job.type,
      queue: job.queue,
      state: job.state,
      priority: job.priority,
      attempt: 0,
      claim: 0,
      runAt: job.runAt,
      expiresAt: given(job.expiresAt),
      laterExpiresAt: given(job.laterExpiresAt),
      deadlineAt: given(job.deadlineAt),
      heartbeatMs: job.heartbeatMs,
      timeoutMs: job.timeoutMs,
      visibilityMs: given(job.visibilityMs),
      createdAt: job.createdAt,
      enqueuedAt: job.state === States.available ? job.createdAt : undefined,
      trace: given(job.trace),
      uniqueKey: unique?.key,
      limits: limits.length === 0 ? undefined : limits.map(({ key }) => key),
      node: node === null ? undefined : { workflow: node.workflow, index: node.index },
      cron: given(job.cron),
    },
    envelope: job.envelope,
    policy: job.policy,
    unique: unique === null ? undefined : { ...unique, createdAfter: given(unique.createdAfter) },
    limits: limits.length === 0 ? undefined : limits.map(({ key, ...numbers }) => ({ key, ...packNumbers(numbers) })),
  };
}

export function packNumbers({ concurrency, rates }: LimitNumbers): {
  readonly concurrency: number | undefined;
  readonly rates: Packed;
} {
  return { concurrency: given(concurrency), rates: rates.map(({ count, perMs }) => [count, perMs]) };
}

/** A null travels as `false`; an absent member does not travel. */
export function packTransition(transition: Transition): Packed {
  const { events, ...rest } = transition;
  return { ...rest, events: events.map(({ kind, data }) => ({ kind, data })) };
}

/** @param packed row, envelope, policy, and the texts that are too long for the row. */
export function readJob(packed: Packed | undefined): JobRecord {
  const [row, envelope, policy, large] = listOf(packed);
  const job = membersOf(row);
  const texts = isAbsent(large) ? job : { ...job, ...membersOf(large) };
  return {
    id: text(job.id),
    type: text(job.type),
    queue: text(job.queue),
    state: state(job.state),
    priority: number(job.priority),
    attempt: number(job.attempt),
    claim: number(job.claim),
    leaseRequired: job.leaseRequired === true,
    runAt: number(job.runAt),
    expiresAt: numberOrNull(job.expiresAt),
    laterExpiresAt: numberOrNull(job.laterExpiresAt),
    deadlineAt: numberOrNull(job.deadlineAt),
    heartbeatMs: number(job.heartbeatMs),
    timeoutMs: number(job.timeoutMs),
    visibilityMs: numberOrNull(job.visibilityMs),
    createdAt: number(job.createdAt),
    enqueuedAt: numberOrNull(job.enqueuedAt),
    startedAt: numberOrNull(job.startedAt),
    worker: textOrNull(job.worker),
    leaseMs: numberOrNull(job.leaseMs),
    leaseUntil: numberOrNull(job.leaseUntil),
    beatAt: numberOrNull(job.beatAt),
    finishedAt: numberOrNull(job.finishedAt),
    trace: textOrNull(job.trace),
    uniqueKey: textOrNull(job.uniqueKey),
    limits: isAbsent(job.limits) ? [] : listOf(job.limits).map(text),
    node: isAbsent(job.node) ? null : readNodeRef(job.node),
    cron: textOrNull(job.cron),
    deadLetter: job.deadLetter === true,
    envelope: text(envelope),
    policy: textOrNull(policy),
    result: textOrNull(texts.result),
    progress: textOrNull(texts.progress),
    checkpoint: textOrNull(texts.checkpoint),
    history: textOrNull(texts.history) ?? '',
  };
}

function readNodeRef(packed: Packed): JobRecord['node'] {
  const { workflow, index } = membersOf(packed);
  return { workflow: text(workflow), index: number(index) };
}

export function readInserted(packed: Packed | undefined): Inserted {
  if (packed === true) return { kind: 'inserted', replaced: [] };
  const answer = membersOf(packed);
  switch (answer.kind) {
    case 'inserted':
      return { kind: 'inserted', replaced: listOf(answer.replaced).map(text) };
    case 'already':
      return { kind: 'already', job: readJob(answer.job) };
    case 'duplicate':
      return { kind: 'duplicate', by: answer.by === 'id' ? 'id' : 'unique', existing: readJob(answer.existing) };
    case 'full':
      return { kind: 'full', queue: text(answer.queue), depth: number(answer.depth), bound: number(answer.bound) };
    case 'paused':
      return { kind: 'paused', queue: text(answer.queue) };
    case 'aborted':
      return { kind: 'aborted' };
    default:
      throw wrong('an answer to an insert', packed);
  }
}

export function readMoved(packed: Packed | undefined): Moved {
  if (typeof packed === 'number') return { kind: 'moved', was: state(packed), ready: [] };
  const answer = membersOf(packed);
  switch (answer.kind) {
    case 'moved': {
      const workflow = text(answer.workflow);
      return {
        kind: 'moved',
        was: state(answer.was),
        ready: listOf(answer.ready).map((index) => ({ workflow, index: Number(index) })),
      };
    }
    case 'already':
    case 'refused':
      return { kind: answer.kind, job: readJob(answer.job) };
    case 'missing':
      return { kind: 'missing' };
    default:
      throw wrong('an answer to a transition', packed);
  }
}

/** @param packed name, row and settings. */
export function readQueue(packed: Packed | undefined): QueueRecord {
  const [name, cells, config] = listOf(packed);
  const row = membersOf(cells);
  const counts: Partial<Record<State, number>> = {};
  for (const state of Object.values(States)) {
    const count = numberOrNull(row[`s${state}`]) ?? 0;
    if (count > 0) counts[state] = count;
  }
  return {
    name: text(name),
    paused: row.paused === true,
    createdAt: number(row.createdAt),
    counts,
    deadLetter: number(row.dead),
    capacity: numberOrNull(row.capacity),
    config: textOrNull(config) ?? noConfig,
    version: number(row.version),
  };
}

export function readLimit(packed: Packed | undefined): LimitRecord {
  const row = membersOf(packed);
  const own = readNumbers(row.own);
  const override = isAbsent(row.override) ? null : readNumbers(row.override);
  const starts = listOf(row.starts).map(Number);
  return {
    key: text(row.key),
    own,
    override,
    active: number(row.active),
    waiting: number(row.waiting),
    starts: countedStarts(override ?? own, starts),
  };
}

export function readNumbers(packed: Packed | undefined): LimitNumbers {
  const { concurrency, rates } = membersOf(packed);
  return {
    concurrency: numberOrNull(concurrency),
    rates: listOf(rates).map((rate) => {
      const [count, perMs] = listOf(rate);
      return { count: number(count), perMs: number(perMs) };
    }),
  };
}
