import { timeOfUuid, uuidAt } from '@ojs-ts/core';
import type { Connection } from '../../connection/connection.ts';
import { withDelays } from '../../enqueue/delays.ts';
import { check, requestOf } from '../../enqueue/request.ts';
import { contextOf, readSent, singleCall, singleSettings } from '../../enqueue/single.ts';
import { DuplicateJobError } from '../../errors.ts';
import type { JobDef } from '../../job/definition.ts';
import { jobOf } from '../../job/new-job.ts';
import type { JobOptions } from '../../job/options.ts';
import { compact, type JsonArray } from '../../json.ts';
import { serverTraits } from '../../operations/manifest.ts';
import { Calls } from './calls.ts';
import { hasCheckpointRows } from './checkpoint.ts';
import { CheckpointStore } from './checkpoint-store.ts';
import { startFamily } from './children.ts';
import type { StepsHost } from './host.ts';
import type { EnqueueClient, StepsWorker } from './parts.ts';
import { type Row, readRows, type StepWrite } from './row.ts';
import { ServerStore } from './server-store.ts';
import { Steps } from './steps.ts';
import type { StepStore } from './store.ts';
import { untilAnswered } from './until-answered.ts';
import { StepWriter } from './writer.ts';

/** Opens the durable steps of one execution. */
export async function openSteps(worker: StepsWorker, host: StepsHost): Promise<Steps> {
  const { connection, client, waiting } = worker.options;
  const store = await storeOf(worker, host);
  const calls = new Calls(
    host,
    store,
    waiting ?? (store.suspends ? 'suspend' : 'hold'),
    worker.suspendAfterMs(host.jobType),
    () => worker.disturbed(host),
  );
  return new Steps({
    checkpoint: store instanceof CheckpointStore ? (state) => store.checkpoint(state) : undefined,
    host,
    calls,
    reload: () => store.reload(),
    now: () => connection.clock.now(),
    idOf: (name) => derivedId(host.jobId, name),
    signals: worker.options.signals,
    startFamily: (family, workflow) => {
      const { jobId, leased } = host;
      const owner = { jobId, lease: leased.lease ?? '' };
      return untilAnswered(leased, () =>
        startFamily(connection, client?.middlewares?.all ?? [], family, workflow, owner),
      );
    },
    results: (id, after) =>
      untilAnswered(host.leased, () =>
        connection.call(
          { operation: 'workflow.results', params: { id }, query: compact({ after }) },
          { signal: host.leased.signal },
          { jobId: host.jobId },
        ),
      ),
    enqueue: (id, job, args, options) =>
      client === undefined
        ? enqueueOver(connection, id, job, args, options)
        : enqueueBy(client, id, job, args, options),
  });
}

async function storeOf(worker: StepsWorker, host: StepsHost): Promise<StepStore> {
  const { connection, workerId, recorded = true } = worker.options;
  const { leased } = host;
  if (!recorded) return new UnrecordedStore();
  const isSupported =
    leased.wire.x_steps !== undefined ||
    (!hasCheckpointRows(leased.wire) && (await untilAnswered(leased, () => serverTraits(connection))).steps);
  if (!isSupported) return new CheckpointStore(host);
  worker.writer ??= new StepWriter(connection, workerId);
  return new ServerStore(leased, connection, worker.writer, (message) => host.lose(message));
}

/** For an execution without a stored job: it keeps rows for `ctx.undo()` only. */
class UnrecordedStore implements StepStore {
  readonly suspends = false;
  readonly lastNumber = 0;
  readonly #rows = new Map<string, StepWrite>();

  async find(): Promise<undefined> {
    return undefined;
  }

  reload(): void {
    this.#rows.clear();
  }

  async current(): Promise<undefined> {
    return undefined;
  }

  async all(): Promise<readonly Row[]> {
    return readRows([...this.#rows.values()]);
  }

  async valueOf(row: Row): Promise<unknown> {
    return row.value;
  }

  async record(steps: readonly StepWrite[]): Promise<readonly []> {
    for (const step of steps) this.#rows.set(step.name, step);
    return [];
  }
}

/** The same job and name, the same id. */
async function derivedId(jobId: string, name: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`${jobId}/${name}`));
  return uuidAt(timeOfUuid(jobId), new Uint8Array(digest), 0);
}

async function enqueueBy(
  client: EnqueueClient,
  id: string,
  job: string | JobDef,
  args: JsonArray,
  options: JobOptions,
): Promise<string> {
  try {
    return (await client.enqueue(job, args, { ...options, id })).id;
  } catch (error) {
    // An earlier execution has enqueued it, and died before it could record that.
    if (error instanceof DuplicateJobError && error.existingJobId === id) return id;
    throw error;
  }
}

async function enqueueOver(
  connection: Connection,
  id: string,
  job: string | JobDef,
  args: JsonArray,
  options: JobOptions,
): Promise<string> {
  const request = requestOf(job, args, { ...options, id }, undefined);
  const { wire } = await check(request, connection.logger);
  const about = contextOf(request);
  const body = await withDelays(connection, [wire], {}, about, ([own = wire], rest) =>
    // An earlier execution may have enqueued it.
    connection.call(singleCall(own), rest, about, singleSettings(own, true)),
  );
  return jobOf(readSent(body).job).id;
}
