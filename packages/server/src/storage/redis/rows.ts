import {
  fingerprintAfter,
  type JobRecord,
  type LimitNumbers,
  type NewJob,
  type State,
  State as States,
  type Transition,
} from '@ojs-ts/core/job';
import { countedStarts, isPlainAck } from '@ojs-ts/core/lifecycle';
import type { Inserted, JobClaim, LimitRecord, Moved, QueueRecord } from '../storage.ts';
import { noConfig } from '../storage.ts';
import type { Packed } from './connection/msgpack.ts';
import {
  bytesOf,
  isAbsent,
  listOf,
  membersOf,
  number,
  numberOrNull,
  text,
  textOrNull,
  wrong,
} from './connection/packed.ts';
import { packNewJob } from './job-bytes.ts';
import { type OtherTexts, readJobBytes } from './job-reader.ts';

const states: readonly State[] = Object.values(States);

function state(packed: Packed | undefined): State {
  const found = states.find((state) => state === packed);
  if (found === undefined) throw wrong('a state', packed);
  return found;
}

function given<T>(value: T | null): T | undefined {
  return value ?? undefined;
}

/** A job as the operation `insert` takes it: id, bytes, unique, limits, and the envelope where it is long. */
export function packJob(job: NewJob): readonly Packed[] {
  const { unique, limits } = job;
  const { bytes, envelope } = packNewJob(job);
  const key = unique === null ? null : { ...unique, createdAfter: given(unique.createdAfter) };
  if (limits.length === 0 && envelope === undefined) return key === null ? [job.id, bytes] : [job.id, bytes, key];
  return [
    job.id,
    bytes,
    key,
    limits.length === 0 ? null : limits.map(({ key, ...numbers }) => ({ key, ...packNumbers(numbers) })),
    envelope ?? null,
  ];
}

/** @param packed ids and claims in turn. */
export function readClaims(packed: Packed | undefined): readonly JobClaim[] {
  const cells = listOf(packed);
  return cells.flatMap((cell, at) => (at % 2 === 0 ? [{ id: text(cell), claim: number(cells[at + 1]) }] : []));
}

/** A group of new jobs; a job without limits and without a long envelope is its group itself. */
export function packGroup(group: readonly NewJob[]): Packed {
  const [job, ...others] = group;
  if (job === undefined || others.length > 0) return group.map(packJob);
  const packed = packJob(job);
  return packed.length <= 3 ? packed : [packed];
}

export function packNumbers({ concurrency, rates }: LimitNumbers): {
  readonly concurrency: number | undefined;
  readonly rates: Packed;
} {
  return { concurrency: given(concurrency), rates: rates.map(({ count, perMs }) => [count, perMs]) };
}

/**
 * The usual ACK as the list { id, claim, worker, result }, anything else with names. A null travels as `false`; an
 * absent member does not travel.
 */
export function packTransition(transition: Transition): Packed {
  if (isPlainAck(transition)) {
    const { id, claim, worker, result } = transition;
    return [id, claim ?? null, worker ?? null, result];
  }
  const { events, reopens, ...rest } = transition;
  const fingerprint = fingerprintAfter(transition);
  return {
    ...rest,
    fingerprint,
    events: events.map(({ kind, data }) => ({ kind, data })),
    reopens: reopens && { ...reopens, nodes: reopens.nodes.map((change) => ({ ...change })) },
  };
}

/** @param packed id, record, bytes, other texts. */
export function readJob(packed: Packed | undefined): JobRecord {
  const [id, record, bytes, others] = listOf(packed);
  return readJobBytes(text(id), isAbsent(record) ? null : bytesOf(record), bytesOf(bytes), readTexts(others));
}

const noTexts: OtherTexts = { envelope: null, result: null, progress: null, checkpoint: null, history: '' };

function readTexts(packed: Packed | undefined): OtherTexts {
  if (isAbsent(packed)) return noTexts;
  const { envelope, result, progress, checkpoint, history } = membersOf(packed);
  return {
    envelope: textOrNull(envelope),
    result: textOrNull(result),
    progress: textOrNull(progress),
    checkpoint: textOrNull(checkpoint),
    history: textOrNull(history) ?? '',
  };
}

const inserted: Inserted = { kind: 'inserted', replaced: [] };

export function readInserted(packed: Packed | undefined): Inserted {
  if (packed === true) return inserted;
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
