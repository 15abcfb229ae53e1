import type { JobRecord, NewJob } from '@ojs-ts/core/job';
import { Packer, type Written } from './connection/msgpack.ts';

/**
 * The data of a job at its creation, and its changes, as lua/lib/job-bytes.lua keeps them: numbers at fixed places, so
 * that a script reads them in one call and never reads the envelope. Little-endian; a text has its length before it.
 */

/** The first byte: no text begins with it. */
const mark = 0xc0;
/** Envelopes of more bytes are kept apart: what scripts read of a job is bounded. */
const longEnvelope = 2048;
export const hasTrace = 1;
const isApart = 2;
export const hasRare = 4;
/** A unique key is the only rare member: it is stored there unpacked, so that scripts find it in one call. */
export const isKeyed = 8;
/** Limits are the only rare member. */
const isLimited = 16;
/** The node of a workflow is the only rare member: its bytes are the text `<index>|<workflow>`. */
export const isNode = 32;
/** Members of the record with a number each, in the order of their bits; then those with a text. */
export const numbers = [
  'runAt',
  'expiresAt',
  'enqueuedAt',
  'startedAt',
  'leaseMs',
  'leaseUntil',
  'beatAt',
  'finishedAt',
  'priority',
] as const;
export const workerBit = 1 << numbers.length;
export const queueBit = workerBit << 1;

/** Members that most jobs do not have. */
export interface Rare {
  readonly expiresAt: number | null;
  readonly laterExpiresAt: number | null;
  readonly deadlineAt: number | null;
  readonly uniqueKey: string | null;
  readonly limits: readonly string[];
  readonly node: JobRecord['node'];
  readonly cron: string | null;
}

export interface JobBytes {
  readonly bytes: Written;
  /** The envelope, where it is long. */
  readonly envelope: string | undefined;
}

const packer = new Packer();

type Constant = Pick<
  JobRecord,
  Exclude<keyof Rare, 'expiresAt'> | 'id' | 'type' | 'createdAt' | 'timeoutMs' | 'heartbeatMs'
> &
  Pick<JobRecord, 'visibilityMs' | 'trace' | 'envelope' | 'policy' | 'expiresAt'>;

/** @param first what the job was at its creation. */
export function packConstant(
  job: Constant,
  first: Pick<JobRecord, 'state' | 'priority' | 'runAt' | 'queue'>,
): JobBytes {
  const { envelope } = job;
  const isLong = envelope.length * 3 > longEnvelope && Buffer.byteLength(envelope) > longEnvelope;
  const rare = packRare(job);
  const trace = job.trace ?? '';
  const policy = job.policy ?? '';
  const kept = isLong ? '' : envelope;
  // At most three bytes a UTF-16 unit.
  const texts = job.type.length + first.queue.length + trace.length + policy.length + kept.length;
  const write = (bytes: Buffer, start: number): number => {
    bytes[start] = mark;
    bytes[start + 1] = first.state;
    bytes[start + 2] = (job.trace === null ? 0 : hasTrace) | (isLong ? isApart : 0) | rare.flag;
    let at = bytes.writeDoubleLE(first.priority, start + 3);
    at = bytes.writeDoubleLE(first.runAt, at);
    at = bytes.writeDoubleLE(job.createdAt, at);
    at = bytes.writeDoubleLE(job.timeoutMs, at);
    at = bytes.writeDoubleLE(job.heartbeatMs, at);
    at = bytes.writeDoubleLE(job.visibilityMs ?? -1, at);
    at = writeShort(bytes, job.type, at);
    at = writeShort(bytes, first.queue, at);
    at = writeLong(bytes, trace, at);
    at = bytes.writeUInt32LE(rare.bytes.length, at);
    at += rare.bytes.copy(bytes, at);
    at = writeLong(bytes, kept, at);
    return writeLong(bytes, policy, at);
  };
  return { bytes: { most: 83 + 3 * texts + rare.bytes.length, write }, envelope: isLong ? envelope : undefined };
}

function writeShort(bytes: Buffer, text: string, at: number): number {
  const size = bytes.write(text, at + 2);
  return bytes.writeUInt16LE(size, at) + size;
}

function writeLong(bytes: Buffer, text: string, at: number): number {
  const size = text === '' ? 0 : bytes.write(text, at + 4);
  return bytes.writeUInt32LE(size, at) + size;
}

interface RareBytes {
  readonly flag: number;
  readonly bytes: Buffer;
}

const nothing: RareBytes = { flag: 0, bytes: Buffer.alloc(0) };

function packRare({ expiresAt, laterExpiresAt, deadlineAt, uniqueKey, limits, node, cron }: Rare): RareBytes {
  const hasOthers = expiresAt !== null || laterExpiresAt !== null || deadlineAt !== null || cron !== null;
  const hasLimits = limits.length > 0;
  if (!hasOthers && !hasLimits) {
    if (node === null) return uniqueKey === null ? nothing : { flag: isKeyed, bytes: Buffer.from(uniqueKey) };
    if (uniqueKey === null) return { flag: isNode, bytes: Buffer.from(`${node.index}|${node.workflow}`) };
  }
  const bytes = packer.pack({
    expiresAt: expiresAt ?? undefined,
    laterExpiresAt: laterExpiresAt ?? undefined,
    deadlineAt: deadlineAt ?? undefined,
    uniqueKey: uniqueKey ?? undefined,
    limits: hasLimits ? limits : undefined,
    node: node === null ? undefined : { workflow: node.workflow, index: node.index },
    cron: cron ?? undefined,
  });
  const hasSeveral = hasOthers || uniqueKey !== null || node !== null;
  return { flag: hasRare | (hasSeveral ? 0 : isLimited), bytes };
}

export function packNewJob(job: NewJob): JobBytes {
  return packConstant({ ...job, uniqueKey: job.unique?.key ?? null, limits: job.limits.map(({ key }) => key) }, job);
}

/** The record of a job whose constant part was made by {@link packConstant} from the same job. */
export function packRecord(job: JobRecord): Buffer {
  const worker = Buffer.from(job.worker ?? '');
  const record = Buffer.allocUnsafe(13 + 8 * numbers.length + 2 + worker.length);
  let mask = 0;
  let at = 13;
  for (const [bit, name] of numbers.entries()) {
    const value = job[name];
    if (value === null || name === 'runAt' || name === 'priority') continue;
    mask |= 1 << bit;
    at = record.writeDoubleLE(value, at);
  }
  if (job.worker !== null) {
    mask |= workerBit;
    at = record.writeUInt16LE(worker.length, at);
    at += worker.copy(record, at);
  }
  record[0] = mark;
  record[1] = job.state;
  record[2] = (job.deadLetter ? 1 : 0) | (job.leaseRequired ? 2 : 0);
  record.writeUInt16LE(mask, 3);
  record.writeUInt32LE(job.attempt, 5);
  record.writeUInt32LE(job.claim, 9);
  return record.subarray(0, at);
}
