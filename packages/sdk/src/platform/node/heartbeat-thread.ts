// The program of the thread that sends the heartbeats of all workers of a process: its own event loop and its own
// connections, so that no handler delays them.
import { parentPort } from 'node:worker_threads';
import { Connection, once } from '../../connection/connection.ts';
import { textOf } from '../../json.ts';
import { heartbeatBody } from '../../worker/leases/heartbeat-message.ts';
import type {
  HeartbeatNews,
  HeartbeatOrder,
  HeartbeatPlan,
  HeartbeatReport,
} from '../../worker/leases/heartbeat-thread.ts';
import { SharedLeases } from '../../worker/leases/shared-leases.ts';
import { SharedLoad } from '../../worker/leases/shared-load.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Sends the heartbeats of one worker, until the function is called that this one returns. */
function run(plan: HeartbeatPlan, say: (news: HeartbeatNews) => void): () => Promise<void> {
  const { url, headers, token, tls } = plan;
  const options = { headers, ...(token !== undefined && { token }), ...(tls !== undefined && { tls }) };
  const connection = new Connection(url, { ...options, requestRetry: false, logger: silent });
  const leases = new SharedLeases(plan.leases);
  const load = plan.load && new SharedLoad(plan.load);
  const stopped = new AbortController();
  let busy = false;
  let reported = false;
  let serverTime: string | undefined;

  const beat = async () => {
    const { stillFor, state } = leases;
    if (stillFor > plan.maxBlockedS) {
      if (!reported) say({ kind: 'silent', blockedS: stillFor });
      reported = true;
      return;
    }
    reported = false;
    if (busy || !leases.whole) return;
    busy = true;
    try {
      const openFetches = leases.openFetches();
      const listed = leases.list(Date.now());
      const body = heartbeatBody(plan.about, state, { openFetches, listed, serverTime }, load?.take());
      const answer = await once(connection, { operation: 'worker.heartbeat', body }, plan.answerMs, stopped.signal);
      serverTime = textOf(answer.server_time) ?? serverTime;
      say({ kind: 'answered', state, listed, answer, at: Date.now() });
    } catch (error) {
      if (!stopped.signal.aborted) say({ kind: 'failed', error: String(error) });
    } finally {
      busy = false;
    }
  };

  const timer = setInterval(() => void beat(), plan.everyMs);
  say({ kind: 'ready' });
  // The first heartbeat goes at once: a handler may block the event loop already.
  void beat();
  return async () => {
    clearInterval(timer);
    stopped.abort(new Error('The worker has ended.'));
    await connection[Symbol.asyncDispose]();
  };
}

if (parentPort !== null) {
  const port = parentPort;
  const running = new Map<number, () => Promise<void>>();
  const say = (worker: number, news: HeartbeatReport['news']) => port.postMessage({ worker, news });

  port.on('message', async (order: HeartbeatOrder) => {
    const { worker } = order;
    try {
      if (order.kind === 'start') {
        running.set(
          worker,
          run(order.plan, (news) => say(worker, news)),
        );
        return;
      }
      await running.get(worker)?.();
    } catch (error) {
      if (order.kind === 'start') say(worker, { kind: 'refused', error: String(error) });
    }
    running.delete(worker);
    if (order.kind === 'stop') say(worker, { kind: 'stopped' });
  });
}
