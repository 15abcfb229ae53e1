import type { Connection } from '../connection.ts';
import { handleOf, type JobHandle } from '../handle.ts';
import type { EnqueueMiddleware } from '../middleware/types.ts';
import type { CallOptions, JobRequest, WireRequest } from '../options.ts';
import { parseArgs } from '../parse-args.ts';
import { batchLimit, enqueueBatch, surelyTaken } from './batch.ts';
import { passChain } from './chain.ts';
import { check } from './check.ts';
import { withParsed, withRest } from './passage.ts';
import type { Producer } from './producer.ts';
import { Rendezvous } from './rendezvous.ts';
import { atIndex, type Checked, schemaOf } from './request.ts';
import type { Sent } from './sent.ts';

/**
 * Sends a batch. Each request passes the middleware by itself; where one of them fails nothing is sent (ojs-middleware §9.2, option B: a batch is all or none).
 * @param wires of the requests, as they came.
 */
export async function sendBatch(
  producer: Producer,
  chain: readonly EnqueueMiddleware[],
  requests: readonly JobRequest[],
  wires: readonly WireRequest[],
  options: CallOptions,
): Promise<JobHandle[]> {
  const checked = await Promise.all(
    requests.map((request, index) =>
      checkArgs(request, wires[index]).catch((error: unknown) => {
        throw atIndex(index, error);
      }),
    ),
  );
  if (chain.length === 0) return sendChecked(producer, requests, checked, options);
  const { connection } = producer.options;
  return withRest(connection, options, { operation: 'job.enqueueBatch' }, (rest) =>
    sendThroughChain(producer, chain, requests, checked, rest),
  );
}

async function checkArgs(request: JobRequest, wire: WireRequest | undefined): Promise<Checked> {
  if (wire === undefined) return check(request);
  const definition = schemaOf(request);
  return definition === undefined ? { wire } : { wire, parsed: await parseArgs(definition, request.args) };
}

async function sendThroughChain(
  producer: Producer,
  chain: readonly EnqueueMiddleware[],
  requests: readonly JobRequest[],
  checked: readonly Checked[],
  rest: () => CallOptions,
): Promise<JobHandle[]> {
  const sending = new Rendezvous<readonly [JobRequest, Checked], JobHandle>(requests.length, (items) =>
    sendChecked(
      producer,
      items.map(([request]) => request),
      items.map(([, ready]) => ready),
      rest(),
    ),
  );
  const passing = requests.map(async (request, index) => {
    const first = checked[index] ?? (await check(request));
    let arrived = false;
    const send = async (changed: JobRequest) => {
      const ready = withParsed(await check(changed), first.parsed, changed);
      arrived = true;
      return sending.arrive(index, [changed, ready]);
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

async function sendChecked(
  producer: Producer,
  requests: readonly JobRequest[],
  checked: readonly Checked[],
  options: CallOptions,
): Promise<JobHandle[]> {
  const { connection, calls } = producer.options;
  const sent = await sendWires(
    connection,
    checked.map(({ wire }) => wire),
    options,
  );
  return Promise.all(
    sent.map((one, index) => {
      const request = requests[index];
      const ready = checked[index];
      return request === undefined || ready === undefined ? handleOf(one.job, one.outcome, calls) : producer.show(request, ready, one);
    }),
  );
}

/** One request, all or none. @throws {OJSValidationError} for more jobs than the server takes at once. */
async function sendWires(connection: Connection, wires: readonly WireRequest[], options: CallOptions): Promise<Sent[]> {
  const limit = wires.length > surelyTaken ? await limitOf(connection, options) : null;
  return connection.ask(enqueueBatch(wires, limit), options);
}

const limits = new WeakMap<Connection, Promise<number | null>>();

/** What the manifest says; null where it does not. Asked once a connection, again after a failure. */
async function limitOf(connection: Connection, options: CallOptions): Promise<number | null> {
  const asked = limits.get(connection) ?? connection.ask(batchLimit(), options);
  limits.set(connection, asked);
  try {
    return await asked;
  } catch {
    limits.delete(connection);
    options.signal?.throwIfAborted();
    return null;
  }
}
