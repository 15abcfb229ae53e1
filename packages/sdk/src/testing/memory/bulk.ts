import {
  type Call,
  elements,
  type JobRecord,
  type Json,
  members,
  ProtocolError,
  type ReadEnvelope,
  readEnvelope,
  renderJob,
  stateName,
  uuidv7,
} from '@ojs-ts/core';
import { type Answers, replacement } from './jobs.ts';
import { duplicate, push, Refused } from './push.ts';
import { bodyOf, fieldsOf, type Reply, refusal } from './reply.ts';
import type { Table } from './table.ts';

interface Item {
  readonly status: 'created' | 'deduplicated' | 'duplicate' | 'failed';
  readonly job: JobRecord | null;
  readonly fault: ProtocolError | null;
  readonly more: Json;
}

type Readable = { readonly read: ReadEnvelope; readonly minted: boolean } | { readonly fault: ProtocolError };

/** POST /jobs/bulk (ojs-bulk-operations §5). */
export function bulkAnswers(table: Table): Answers {
  return {
    'bulk.enqueue': (call) => {
      const { atomicity = 'partial', return: shape, jobs } = fieldsOf(call);
      if (atomicity !== 'partial' && atomicity !== 'atomic') {
        throw ProtocolError.invalid([{ path: '$.atomicity', message: 'must be partial or atomic' }]);
      }
      if (!Array.isArray(jobs) || jobs.length === 0) {
        throw ProtocolError.invalid([{ path: '$.jobs', message: 'must be an array of at least one envelope' }]);
      }
      const readable = readItems(table, call);
      const items =
        atomicity === 'atomic' ? pushAll(table, readable) : readable.map((item, index) => pushOne(table, item, index));
      return answer(items, shape === 'job');
    },
  };
}

function readItems(table: Table, call: Call): readonly Readable[] {
  const seen = new Set<string>();
  return elements(members(bodyOf(call)).get('jobs') ?? '[]').map((text, index) => {
    let minted = false;
    const mint = () => {
      minted = true;
      return uuidv7(table.clock);
    };
    const read = attempt(() => readEnvelope(text, table.now, mint, `$.jobs[${index}]`));
    if ('fault' in read) return read;
    const { id } = read.value.job;
    if (seen.has(id)) {
      const details = { existing_job_id: id, index };
      return {
        fault: new ProtocolError(
          'duplicate',
          `A job with id ${id} is twice in this batch; nothing was enqueued.`,
          details,
        ),
      };
    }
    seen.add(id);
    return { read: read.value, minted: minted || call.idempotencyKey !== undefined };
  });
}

function pushOne(table: Table, item: Readable, index: number): Item {
  if ('fault' in item) return failed(item.fault);
  const pushed = attempt(() => push(table, [item.read]));
  if ('fault' in pushed) return refused(pushed.fault, index);
  const [one] = pushed.value.items;
  if (one === undefined) throw new Error('A push of one job was answered without one.');
  if (pushed.value.isRepeated && !item.minted)
    return refused(duplicate(one.job.id, index, 'there already', one.job), index);
  return { status: one.kind, job: one.job, fault: null, more: replacement(one) };
}

/** All or none: where one is refused the others are, because of it. */
function pushAll(table: Table, items: readonly Readable[]): readonly Item[] {
  const aborted = () =>
    failed(new ProtocolError('batch_aborted', 'Another job of this atomic batch was refused; none was enqueued.'));
  const readable = items.flatMap((item) => ('read' in item ? [item.read] : []));
  if (readable.length < items.length) return items.map((item) => ('fault' in item ? failed(item.fault) : aborted()));
  const pushed = attempt(() => push(table, readable));
  if ('fault' in pushed) {
    const { fault } = pushed;
    return items.map((_, index) => (index === fault.details.index ? refused(fault, index) : aborted()));
  }
  return pushed.value.items.map((one) => ({ status: one.kind, job: one.job, fault: null, more: replacement(one) }));
}

function refused(fault: ProtocolError, index: number): Item {
  if (!(fault instanceof Refused)) return failed(fault);
  return {
    status: 'duplicate',
    job: fault.existing,
    fault: new ProtocolError(fault.code, fault.message, { ...fault.details, index }, fault.hint),
    more: '',
  };
}

function failed(fault: ProtocolError): Item {
  return { status: 'failed', job: null, fault, more: '' };
}

function attempt<T>(work: () => T): { readonly value: T } | { readonly fault: ProtocolError } {
  try {
    return { value: work() };
  } catch (error) {
    if (error instanceof ProtocolError) return { fault: error };
    throw error;
  }
}

function answer(items: readonly Item[], whole: boolean): Reply {
  const failures = items.filter(({ fault }) => fault !== null).length;
  const succeeded = items.length - failures;
  const status = failures === 0 ? 201 : succeeded === 0 ? 422 : 207;
  const texts = items.map(({ status, job, fault, more }, index) => {
    let text = `{"index":${index},"status":"${status}"`;
    if (job !== null) text += `,"job":${whole ? renderJob(job) : summary(job)}${more}`;
    if (fault !== null) text += `,${refusal(fault, `req_${uuidv7()}`).text.slice(1, -1)}`;
    return `${text}}`;
  });
  const text = `{"total":${items.length},"succeeded":${succeeded},"failed":${failures},"items":[${texts.join(',')}]}`;
  return { status, text, headers: { 'x-ojs-batch-size': String(items.length) } };
}

function summary({ id, type, queue, state, priority }: JobRecord): Json {
  return `{"id":"${id}","type":"${type}","queue":"${queue}","state":"${stateName(state)}","priority":${priority}}`;
}
