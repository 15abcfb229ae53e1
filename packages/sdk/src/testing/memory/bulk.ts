import {
  atOnce,
  bulkStatus,
  type Call,
  duplicateId,
  elements,
  errorMember,
  type JobRecord,
  type Json,
  members,
  ProtocolError,
  type Pushed,
  push,
  type ReadEnvelope,
  readEnvelope,
  refusedBy,
  renderJob,
  replacement,
  run,
  summary,
  uuidv7,
} from '@ojs-ts/core';
import type { Answers } from './jobs.ts';
import { bodyOf, fieldsOf, type Reply } from './reply.ts';
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
      return { fault: duplicateId(id, index, 'twice in this batch') };
    }
    seen.add(id);
    return { read: read.value, minted: minted || call.idempotencyKey !== undefined };
  });
}

function pushOne(table: Table, item: Readable, index: number): Item {
  return 'fault' in item ? failed(item.fault) : outcome(atOnce(run(push(table, [item.read]))), item.minted, index);
}

/** All or none: where one is refused the others are, because of it. */
function pushAll(table: Table, items: readonly Readable[]): readonly Item[] {
  const aborted = () =>
    failed(new ProtocolError('batch_aborted', 'Another job of this atomic batch was refused; none was enqueued.'));
  const readable = items.flatMap((item) => ('read' in item ? [item] : []));
  if (readable.length < items.length) return items.map((item) => ('fault' in item ? failed(item.fault) : aborted()));
  const steps = push(
    table,
    readable.map(({ read }) => read),
  );
  const pushed = atOnce(run(steps));
  const foreign = pushed.kind === 'repeated' && readable.some(({ minted }) => !minted);
  return readable.map(({ minted }, index) => {
    if (pushed.kind === 'refused') return index === pushed.index ? outcome(pushed, minted, index) : aborted();
    if (foreign && minted) return aborted();
    return outcome({ kind: pushed.kind, items: pushed.items.slice(index, index + 1) }, minted, index);
  });
}

function outcome(pushed: Pushed, own: boolean, index: number): Item {
  if (pushed.kind === 'refused') {
    const fault = refusedBy(pushed.why, index);
    if (pushed.why.kind !== 'duplicate') return failed(fault);
    return { status: 'duplicate', job: pushed.why.existing, fault, more: '' };
  }
  const [item] = pushed.items;
  if (item === undefined) throw new Error('A push was answered with fewer jobs than it had.');
  const { kind, job } = item;
  if (kind === 'created' && pushed.kind === 'repeated' && !own)
    return { status: 'duplicate', job, fault: duplicateId(job.id, index, 'there already', job), more: '' };
  return { status: kind, job, fault: null, more: replacement(item) };
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
  const status = bulkStatus(succeeded, failures, 201);
  const texts = items.map(({ status, job, fault, more }, index) => {
    let text = `{"index":${index},"status":"${status}"`;
    if (job !== null) text += `,"job":${whole ? renderJob(job) : summary(job)}${more}`;
    if (fault !== null) text += `,${errorMember(fault, `req_${uuidv7()}`)}`;
    return `${text}}`;
  });
  const text = `{"total":${items.length},"succeeded":${succeeded},"failed":${failures},"items":[${texts.join(',')}]}`;
  return { status, text, headers: { 'x-ojs-batch-size': String(items.length) } };
}
