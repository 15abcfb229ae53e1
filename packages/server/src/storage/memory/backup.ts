import { State } from '@ojs-ts/core/job';
import { Queue, type Row, type Tables } from '@ojs-ts/core/memory';
import { notEmpty, pagesOf, startsOf, type Takers, take, withoutInbox } from '../dump.ts';
import type { Backup, DumpRecord, StoreOwn } from '../storage.ts';

export function backup(
  open: () => { readonly tables: Tables; readonly own: StoreOwn },
  replace: (tables: Tables, own: StoreOwn) => void,
  empty: () => Tables,
): Backup {
  return {
    async *dump() {
      const { tables, own } = open();
      // Records are immutable, so reading all references at once is a snapshot.
      yield* pagesOf([...everything(tables, own)]);
    },

    async restore(pages) {
      if (!isEmpty(open().tables)) throw notEmpty('The store');
      const restored = empty();
      const waiting: Row[] = [];
      const into = takers(restored, waiting);
      let { own } = open();
      for await (const page of pages) {
        for (const record of page) {
          if (record.kind === 'store') own = record.record;
          take(into, record);
        }
      }
      waiting.sort((a, b) => a.order - b.order);
      for (const row of waiting) restored.makeReady(row, restored.lastStart);
      replace(restored, { seed: own.seed, leaseKey: own.leaseKey });
    },
  };
}

function* everything(tables: Tables, own: StoreOwn): Iterable<DumpRecord> {
  yield { kind: 'store', record: { ...own, position: tables.log.newest, lastStart: tables.lastStart } };
  for (const { name, createdAt, paused, capacity, config, version } of tables.queues.values()) {
    yield { kind: 'queue', record: { name, createdAt, paused, capacity, config, version } };
  }
  for (const { key, own, override, usedAt, starts } of tables.limits.values()) {
    yield { kind: 'limit', record: { key, own, override, usedAt } };
    yield* startsOf(key, starts);
  }
  for (const { number, record, nodes } of tables.workflows.rows.values()) {
    yield { kind: 'workflow', record: { number, workflow: record } };
    for (const node of nodes.values()) yield { kind: 'node', record: node };
  }
  for (const { number, order, job } of tables.rows.values()) {
    yield { kind: 'job', record: { number, place: job.state === State.available ? order : null, job } };
  }
  for (const ofKind of tables.records.values()) for (const record of ofKind.values()) yield { kind: 'record', record };
  for (const minute of tables.statistics.since(Number.NEGATIVE_INFINITY)) yield { kind: 'minute', record: minute };
  for (const worker of tables.workers.values()) yield { kind: 'worker', record: worker };
  for (const [key, { at, claims }] of tables.requests) yield { kind: 'request', record: { key, at, claims } };
  for (const batch of tables.log.batches) yield { kind: 'events', record: batch };
}

function takers(tables: Tables, waiting: Row[]): Takers {
  return {
    store({ position, lastStart }) {
      tables.lastStart = lastStart;
      tables.log.reach(position);
    },
    queue(record) {
      tables.queues.set(record.name, Object.assign(new Queue(record.name, record.createdAt), record));
    },
    limit(record) {
      Object.assign(tables.limit(record.key), record);
    },
    starts({ key, at }) {
      tables.limit(key).load(at);
    },
    workflow({ workflow, number }) {
      tables.workflows.load(workflow, number);
    },
    node(node) {
      const row = tables.workflows.rows.get(node.workflow);
      if (row) tables.workflows.setNode(row, node);
    },
    job({ job, number, place }) {
      const row = tables.load(job, number, place ?? 0);
      if (place !== null) waiting.push(row);
    },
    record(record) {
      tables.putRecord(record);
    },
    minute(minute) {
      tables.statistics.load(minute);
    },
    worker(worker) {
      tables.workers.set(worker.worker, worker);
    },
    request({ key, at, claims }) {
      tables.requests.set(key, { at, claims });
    },
    events(batch) {
      tables.log.load(batch);
    },
    inbox: withoutInbox,
    completion: withoutInbox,
  };
}

function isEmpty({ queues, limits, workflows, rows, records, log }: Tables): boolean {
  const kinds = [queues, limits, workflows.rows, rows, ...records.values()];
  return kinds.every(({ size }) => size === 0) && log.newest === 0;
}
