import type { Connection } from '../connection.ts';
import type { Drafted, WireRequest } from '../draft.ts';
import { handleOf, type JobHandle } from '../handle.ts';
import type { EnqueueMiddleware } from '../middleware/types.ts';
import type { CallOptions, JobRequest } from '../options.ts';
import { atIndex } from '../refusal.ts';
import { batchLimit, enqueueBatch, surelyTaken } from './batch.ts';
import { passChain } from './chain.ts';
import { type Checked, check, checkDrafted } from './check.ts';
import { withParsed, withRest } from './passage.ts';
import type { Producer } from './producer.ts';
import { Rendezvous } from './rendezvous.ts';
import type { Sent } from './sent.ts';
import { shown } from './shown.ts';

/** Sends a batch. Each request passes the middleware by itself; where one of them fails nothing is sent (ojs-middleware §9.2, option B: a batch is all or none). */
export async function sendBatch(
  producer: Producer,
  chain: readonly EnqueueMiddleware[],
  drafted: readonly Drafted[],
  options: CallOptions,
): Promise<JobHandle[]> {
  const ready = await Promise.all(
    drafted.map(async (own, index) => {
      try {
        return { request: own.request, checked: await checkDrafted(own, producer.options.connection.logger) };
      } catch (error) {
        throw atIndex(index, error);
      }
    }),
  );
  if (chain.length === 0) return sendReady(producer, ready, options);
  const { connection } = producer.options;
  return withRest(connection, options, { operation: 'job.enqueueBatch' }, (rest) =>
    sendThroughChain(producer, chain, ready, rest),
  );
}

/** A request that may be sent. */
interface Ready {
  readonly request: JobRequest;
  readonly checked: Checked;
}

async function sendThroughChain(
  producer: Producer,
  chain: readonly EnqueueMiddleware[],
  ready: readonly Ready[],
  rest: () => CallOptions,
): Promise<JobHandle[]> {
  const sending = new Rendezvous<Ready, JobHandle>(ready.length, (items) => sendReady(producer, items, rest()));
  const passing = ready.map(async ({ request, checked: first }, index) => {
    let arrived = false;
    const send = async (changed: JobRequest) => {
      const checked = withParsed(await check(changed, producer.options.connection.logger), first.parsed, changed);
      arrived = true;
      return sending.arrive(index, { request: changed, checked });
    };
    try {
      const handle = await passChain(chain, request, first.wire, send, producer.options.calls);
      sending.leave(index);
      return handle;
    } catch (error) {
      sending.fail(index, error);
      throw arrived ? error : atIndex(index, error);
    }
  });
  // The first failure is the cause; those of the others follow from it.
  return Promise.all(passing);
}

async function sendReady(producer: Producer, ready: readonly Ready[], options: CallOptions): Promise<JobHandle[]> {
  const { connection, calls } = producer.options;
  const sent = await sendWires(
    connection,
    ready.map(({ checked }) => checked.wire),
    options,
  );
  return Promise.all(
    sent.map((one, index) => {
      const own = ready[index];
      return own === undefined ? handleOf(one.job, one.outcome, calls) : shown(producer, own.request, own.checked, one);
    }),
  );
}

/** One request, all or none. @throws {OJSValidationError} for more jobs than the server takes at once. */
async function sendWires(connection: Connection, wires: readonly WireRequest[], options: CallOptions): Promise<Sent[]> {
  const limit = wires.length > surelyTaken ? await limitOf(connection, options) : null;
  return connection.carry(enqueueBatch(wires, limit), options);
}

const limits = new WeakMap<Connection, Promise<number | null>>();

/** What the manifest says; null where it does not. Asked once a connection, again after a failure. */
async function limitOf(connection: Connection, options: CallOptions): Promise<number | null> {
  const asked = limits.get(connection) ?? connection.carry(batchLimit(), options);
  limits.set(connection, asked);
  try {
    return await asked;
  } catch {
    limits.delete(connection);
    options.signal?.throwIfAborted();
    return null;
  }
}
