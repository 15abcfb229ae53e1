import { uuidv7 } from '@ojs-ts/core';
import { type JobRecord, readEnvelopes, State } from '@ojs-ts/core/job';
import { renderWorkflow } from '@ojs-ts/core/workflow';
import { Engine, openStorage } from '@ojs-ts/server';
import { payloadOf } from '../payload.ts';
import { freshStore } from '../store.ts';

export const modes = ['plain', 'group'] as const;
export type Mode = (typeof modes)[number];

export interface GroupFigure {
  /** From the request's text until every job has been acked and the group has ended. */
  readonly wallMs: number;
  /** CPU time of this process: the engine, and the store where it runs here. */
  readonly cpuMs: number;
  /** Wall time until the creating calls were answered; a group goes on starting jobs behind it. */
  readonly createMs: number;
  /**
   * Wall time of the text of the answer to a creation, which the rest does not have; null where nothing is rendered but
   * ids.
   */
  readonly answerMs: number | null;
  readonly durability: string;
}

const queue = 'bench';
/** As `enqueueBatch` of the other scenarios; a group comes in one request. */
const batchSize = 1_000;
const ackSize = 100;

type WorkflowView = Awaited<ReturnType<Engine['workflows']['create']>>;

/**
 * The same jobs on a fresh store, as plain batches or as a group, through the engine in this process: create, claim,
 * ack.
 */
export async function runJobs(mode: Mode, url: string, jobs: number): Promise<GroupFigure> {
  await using store = await freshStore(url);
  const storage = await openStorage(store.storage);
  await using engine = await Engine.start({ storage });
  const texts = Array.from({ length: jobs }, (_, n) =>
    JSON.stringify({ type: 'bench.email', args: [payloadOf(n)], options: { queue } }),
  );
  const bodies = bodiesOf(mode, texts);
  const cpu = process.cpuUsage();
  const from = performance.now();
  const view = mode === 'group' ? await createGroup(engine, bodies) : await pushBatches(engine, bodies);
  const createMs = performance.now() - from;
  await work(engine, jobs);
  await engine.workflows.settled();
  const wallMs = performance.now() - from;
  const { user, system } = process.cpuUsage(cpu);
  const answerMs = view && rendered(view);
  await check(engine, jobs, view?.workflow.id ?? null);
  const durability = [storage.traits.durability, store.settings].filter(Boolean).join('; ');
  return { wallMs, cpuMs: (user + system) / 1_000, createMs, answerMs, durability };
}

function bodiesOf(mode: Mode, texts: readonly string[]): readonly string[] {
  if (mode === 'group') return [`{"type":"group","name":"bench","jobs":[${texts.join(',')}]}`];
  const batches = Math.ceil(texts.length / batchSize);
  return Array.from(
    { length: batches },
    (_, index) => `{"jobs":[${texts.slice(index * batchSize, (index + 1) * batchSize).join(',')}]}`,
  );
}

function createGroup(engine: Engine, bodies: readonly string[]): Promise<WorkflowView> {
  const [body = ''] = bodies;
  return engine.workflows.create(engine.workflows.read(body, () => uuidv7(engine.clock)));
}

function rendered({ workflow, nodes, jobs }: WorkflowView): number {
  const from = performance.now();
  renderWorkflow(workflow, nodes, jobs);
  return performance.now() - from;
}

async function pushBatches(engine: Engine, bodies: readonly string[]): Promise<null> {
  for (const body of bodies) {
    const pushed = await engine.jobs.push(readEnvelopes(body, engine.clock.now(), () => uuidv7(engine.clock)));
    if (pushed.kind !== 'pushed') throw new Error(`a batch was ${pushed.kind}`);
  }
  return null;
}

/** Claims of 100, then their acks at once. */
async function work(engine: Engine, jobs: number): Promise<void> {
  for (let done = 0; done < jobs; ) {
    const claimed = await engine.protocol.fetch({
      queues: [queue],
      count: ackSize,
      worker: 'bench',
      leaseMs: null,
      request: null,
      waitMs: 5_000,
    });
    if (claimed.length === 0) throw new Error(`no job came for 5 s after ${done} of ${jobs}`);
    const outcomes = await Promise.all(claimed.map((job) => ack(engine, job)));
    const wrong = outcomes.find(({ kind }) => kind !== 'completed');
    if (wrong !== undefined) throw new Error(`an ack was answered with ${wrong.kind}`);
    done += claimed.length;
  }
}

function ack(engine: Engine, { id, claim }: JobRecord) {
  return engine.protocol.settle({ kind: 'ack', id, claim, worker: 'bench', result: '{"sent":true}' });
}

async function check(engine: Engine, jobs: number, workflow: string | null): Promise<void> {
  const counts = (await engine.storage.registry.queues()).find(({ name }) => name === queue)?.counts ?? {};
  if (counts[State.completed] !== jobs)
    throw new Error(`the store counts ${counts[State.completed] ?? 0} of ${jobs} jobs as completed`);
  if (workflow === null) return;
  const record = await engine.storage.workflows.get(workflow);
  if (record?.state !== 'completed') throw new Error(`the group is ${record?.state ?? 'missing'}, not completed`);
}
