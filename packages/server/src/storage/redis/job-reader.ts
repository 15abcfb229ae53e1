import { type JobRecord, type State, State as States } from '@ojs-ts/core/job';
import { type Packed, unpack } from './connection/msgpack.ts';
import { listOf, membersOf, number, numberOrNull, text, textOrNull } from './connection/packed.ts';
import { hasRare, hasTrace, isKeyed, isNode, type numbers, queueBit, type Rare, workerBit } from './job-bytes.ts';

/** Texts of a job that have places of their own. */
export interface OtherTexts {
  readonly envelope: string | null;
  readonly result: string | null;
  readonly progress: string | null;
  readonly checkpoint: string | null;
  readonly history: string;
}

export function readJobBytes(id: string, record: Buffer | null, bytes: Buffer, texts: OtherTexts): JobRecord {
  const constants = new Reader(bytes, 51);
  const type = constants.text(2);
  const queue = constants.text(2);
  const trace = constants.text(4);
  const flags = bytes[2] ?? 0;
  const rare = readRare(flags, constants.bytes());
  const envelope = constants.text(4);
  const policy = constants.text(4);
  const priority = bytes.readDoubleLE(3);
  const runAt = bytes.readDoubleLE(11);
  const createdAt = bytes.readDoubleLE(19);
  const visibilityMs = bytes.readDoubleLE(43);
  const changing = record === null ? firstOf(bytes, createdAt, rare) : readRecord(record);
  // Named one by one: spreads of parts take several times as long.
  return {
    id,
    type,
    queue: changing.queue ?? queue,
    state: changing.state,
    priority: changing.priority ?? priority,
    attempt: changing.attempt,
    claim: changing.claim,
    leaseRequired: changing.leaseRequired,
    runAt: changing.runAt ?? runAt,
    expiresAt: changing.expiresAt,
    laterExpiresAt: rare.laterExpiresAt,
    deadlineAt: rare.deadlineAt,
    heartbeatMs: bytes.readDoubleLE(35),
    timeoutMs: bytes.readDoubleLE(27),
    visibilityMs: visibilityMs < 0 ? null : visibilityMs,
    createdAt,
    enqueuedAt: changing.enqueuedAt,
    startedAt: changing.startedAt,
    worker: changing.worker,
    leaseMs: changing.leaseMs,
    leaseUntil: changing.leaseUntil,
    beatAt: changing.beatAt,
    finishedAt: changing.finishedAt,
    trace: (flags & hasTrace) === 0 ? null : trace,
    uniqueKey: rare.uniqueKey,
    limits: rare.limits,
    node: rare.node,
    cron: rare.cron,
    deadLetter: changing.deadLetter,
    envelope: texts.envelope ?? envelope,
    policy: policy === '' ? null : policy,
    result: texts.result,
    progress: texts.progress,
    checkpoint: texts.checkpoint,
    history: texts.history,
  };
}

/** Reads what has its length before it. */
class Reader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  text(lengthBytes: 2 | 4): string {
    const from = this.#at + lengthBytes;
    this.#at = from + (lengthBytes === 2 ? this.#bytes.readUInt16LE(this.#at) : this.#bytes.readUInt32LE(this.#at));
    return this.#at === from ? '' : this.#bytes.toString('utf8', from, this.#at);
  }

  bytes(): Buffer | null {
    const from = this.#at + 4;
    this.#at = from + this.#bytes.readUInt32LE(this.#at);
    return this.#at === from ? null : this.#bytes.subarray(from, this.#at);
  }
}

/** `priority`, `runAt` and `queue` are null if they are as at the creation. */
type Changing = Pick<
  JobRecord,
  | Exclude<(typeof numbers)[number], 'runAt' | 'priority'>
  | 'state'
  | 'attempt'
  | 'claim'
  | 'leaseRequired'
  | 'deadLetter'
  | 'worker'
> & { readonly [Name in 'runAt' | 'priority' | 'queue']: JobRecord[Name] | null };

function firstOf(bytes: Buffer, createdAt: number, { expiresAt }: Rare): Changing {
  const state = stateOf(bytes[1]);
  return {
    state,
    attempt: 0,
    claim: 0,
    leaseRequired: false,
    deadLetter: false,
    runAt: null,
    expiresAt,
    enqueuedAt: state === States.available ? createdAt : null,
    startedAt: null,
    leaseMs: null,
    leaseUntil: null,
    beatAt: null,
    finishedAt: null,
    priority: null,
    worker: null,
    queue: null,
  };
}

/** Jobs that one claim starts have the same record. */
let last: { readonly record: Buffer; readonly changing: Changing } | undefined;

function readRecord(record: Buffer): Changing {
  if (last?.record.equals(record)) return last.changing;
  const flags = record[2] ?? 0;
  const mask = record.readUInt16LE(3);
  let at = 13;
  let bit = 1;
  const number = () => {
    const there = (mask & bit) !== 0;
    bit <<= 1;
    if (!there) return null;
    at += 8;
    return record.readDoubleLE(at - 8);
  };
  const [runAt, expiresAt, enqueuedAt, startedAt, leaseMs] = [number(), number(), number(), number(), number()];
  const [leaseUntil, beatAt, finishedAt, priority] = [number(), number(), number(), number()];
  const texts = new Reader(record, at);
  const changing = {
    state: stateOf(record[1]),
    attempt: record.readUInt32LE(5),
    claim: record.readUInt32LE(9),
    deadLetter: (flags & 1) !== 0,
    leaseRequired: (flags & 2) !== 0,
    ...{ runAt, expiresAt, enqueuedAt, startedAt, leaseMs, leaseUntil, beatAt, finishedAt, priority },
    worker: (mask & workerBit) === 0 ? null : texts.text(2),
    queue: (mask & queueBit) === 0 ? null : texts.text(2),
  };
  // A copy: the record is a part of a reply, which may have many megabytes.
  last = { record: Buffer.from(record), changing };
  return changing;
}

const plain: Rare = {
  expiresAt: null,
  laterExpiresAt: null,
  deadlineAt: null,
  uniqueKey: null,
  limits: [],
  node: null,
  cron: null,
};

function readRare(flags: number, bytes: Buffer | null): Rare {
  if (bytes === null) return plain;
  if ((flags & isKeyed) !== 0) return { ...plain, uniqueKey: bytes.toString() };
  if ((flags & isNode) !== 0) {
    const node = bytes.toString();
    const bar = node.indexOf('|');
    return { ...plain, node: { workflow: node.slice(bar + 1), index: Number(node.slice(0, bar)) } };
  }
  if ((flags & hasRare) === 0) return plain;
  const { expiresAt, laterExpiresAt, deadlineAt, uniqueKey, limits, node, cron } = membersOf(unpack(bytes));
  return {
    expiresAt: numberOrNull(expiresAt),
    laterExpiresAt: numberOrNull(laterExpiresAt),
    deadlineAt: numberOrNull(deadlineAt),
    uniqueKey: textOrNull(uniqueKey),
    limits: limits === undefined ? [] : listOf(limits).map(text),
    node: node === undefined ? null : readNode(node),
    cron: textOrNull(cron),
  };
}

function readNode(packed: Packed): JobRecord['node'] {
  const { workflow, index } = membersOf(packed);
  return { workflow: text(workflow), index: number(index) };
}

const states: readonly State[] = Object.values(States);

function stateOf(byte: number | undefined): State {
  const found = states.find((state) => state === byte);
  if (found === undefined) throw new TypeError(`Redis: a job has the state ${byte}, which there is not.`);
  return found;
}
