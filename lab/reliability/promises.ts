/** A promise of `lab/docs/reliability.md`, and files of the repository that test it. */
export interface TestedPromise {
  readonly promise: string;
  readonly tests: readonly { readonly name: string; readonly file: string }[];
}

const checker = (rule: string, file: string) => ({
  name: `checker: ${rule}`,
  file: `lab/checker/src/rules/${file}.ts`,
});

const suite = (topic: string) => ({
  name: 'the suite of every storage',
  file: `packages/server/test/storage/suite/${topic}.ts`,
});

export const promises: readonly TestedPromise[] = [
  {
    promise: 'An acknowledged job is in the store, and it ends.',
    tests: [
      checker('loss, stuck', 'jobs'),
      { name: 'loss of power', file: 'lab/chaos/test/power.lab.ts' },
      { name: 'a cut store', file: 'packages/server/test/storage/cut.test.ts' },
    ],
  },
  {
    promise: 'At most one valid lease of a job exists at any time. Nobody can guess it.',
    tests: [
      checker('lease, fence', 'leases'),
      { name: 'impostors', file: 'packages/sdk/test/worker/leases/impostor.test.ts' },
    ],
  },
  {
    promise: 'A result is the one of the claim that ended the job. A success stays a success.',
    tests: [
      checker('result', 'results'),
      { name: 'simulation: runs', file: 'lab/simulation/src/rules/runs.ts' },
      { name: 'acks after lost answers', file: 'packages/sdk/test/worker/execution/delivery.test.ts' },
    ],
  },
  {
    promise: 'A repeated call has one effect, and gets the answer to the first call.',
    tests: [
      checker('attempts', 'attempts'),
      { name: 'idempotency', file: 'packages/server/test/http/idempotency.test.ts' },
      { name: 'a cut network', file: 'packages/sdk/test/client/network.test.ts' },
    ],
  },
  {
    promise: 'No second job with the same unique key exists in its states and period.',
    tests: [checker('unique', 'uniqueness'), suite('unique')],
  },
  {
    promise: 'A limit holds at every moment and in every window.',
    tests: [checker('limit', 'limits'), suite('limits')],
  },
  {
    promise: 'Attempts are counted once. A retry waits for its backoff.',
    tests: [checker('attempts', 'attempts'), { name: 'cases', file: 'conformance/README.md' }],
  },
  {
    promise: 'Jobs of a priority start in the order of their enqueueing.',
    tests: [checker('order', 'order'), suite('claim')],
  },
  {
    promise: 'Each step and each callback of a workflow runs once its parents have ended, and is enqueued once.',
    tests: [checker('workflow', 'workflows'), suite('workflows')],
  },
  {
    promise: 'A cron fires once for each of its times, whatever the number of servers.',
    tests: [checker('cron', 'crons'), suite('crons')],
  },
  {
    promise: 'A subscriber sees every event, in order. A gap is announced.',
    tests: [
      checker('events', 'events'),
      { name: 'slow readers', file: 'packages/server/test/realtime/slow-readers.long.ts' },
    ],
  },
  {
    promise: 'Counts of a queue equal the jobs in the store.',
    tests: [
      checker('counters', 'jobs'),
      { name: 'the model of a storage', file: 'packages/server/test/storage/model.test.ts' },
    ],
  },
  {
    promise: 'A dead worker’s jobs run on other workers. A living worker keeps its jobs.',
    tests: [
      { name: 'simulation: claims', file: 'lab/simulation/src/rules/claims.ts' },
      { name: 'simulation: times', file: 'lab/simulation/src/probes.ts' },
      { name: 'dead threads', file: 'packages/sdk/test/worker/watchdog.test.ts' },
    ],
  },
  {
    promise: 'No request and no reader that is slow can exhaust the memory of the server.',
    tests: [
      { name: 'budgets', file: 'packages/server/test/http/memory.test.ts' },
      { name: 'sizes', file: 'packages/server/test/http/sizes.test.ts' },
      { name: 'hostile sizes', file: 'lab/bench/src/memory/main.ts' },
    ],
  },
];
