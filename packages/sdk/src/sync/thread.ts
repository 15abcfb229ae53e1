// The program of the thread that makes the calls of a sync client, with its own event loop and connections.
import { parentPort, workerData } from 'node:worker_threads';
import { cell, type FromThread, pulseMs, type ThreadPlan, type ToThread } from './mailbox.ts';

async function run(
  { url, headers, tls, cells: shared }: ThreadPlan,
  say: (message: FromThread) => void,
): Promise<(message: ToThread) => void> {
  const cells = new Int32Array(shared);
  const wake = () => {
    Atomics.add(cells, cell.mail, 1);
    Atomics.notify(cells, cell.mail);
  };
  process.once('exit', () => {
    Atomics.store(cells, cell.ended, 1);
    wake();
  });
  // Loaded only now: the caller's thread learns of a failure from here on.
  const [{ platform }, { messageOf }] = await Promise.all([import('#platform'), import('../connection/attempts.ts')]);
  let token: string | undefined;
  const transport = platform.httpTransport({
    base: new URL(url),
    headers,
    token: () => token ?? '',
    fetch: undefined,
    ...(tls !== undefined && { tls }),
  });
  setInterval(() => Atomics.add(cells, cell.pulse, 1), pulseMs);
  Atomics.add(cells, cell.pulse, 1);

  const make = async (
    { call, requestId }: ToThread & { kind: 'call' },
    signal: AbortSignal,
  ): Promise<FromThread['outcome']> => {
    try {
      return { answer: await transport.call(call, { signal, ...(requestId !== undefined && { requestId }) }) };
    } catch (error) {
      return { failure: messageOf(error) };
    }
  };
  let abandoned = new AbortController();
  return (message) => {
    abandoned.abort();
    abandoned = new AbortController();
    if (message.kind !== 'call') return;
    token = message.token;
    void make(message, abandoned.signal).then((outcome) => {
      say({ id: message.id, outcome });
      wake();
    });
  };
}

if (parentPort !== null) {
  const { plan, port } = workerData;
  // The port queues messages until it has a listener. No await here: CommonJS has none at the top level. A failure
  // ends the thread.
  void run(plan, (message) => port.postMessage(message)).then((receive) => port.on('message', receive));
}
