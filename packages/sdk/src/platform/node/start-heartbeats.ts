import { Worker } from 'node:worker_threads';
import type { HeartbeatListener, HeartbeatPlan, HeartbeatThread } from '../../worker/leases/heartbeat-thread.ts';
import { threadProgram } from './thread-program.ts';

const program = threadProgram('heartbeat-thread', import.meta.url);

/** Starts the thread that sends heartbeats. It never keeps the process alive. */
export function startHeartbeats(plan: HeartbeatPlan, listener: HeartbeatListener): HeartbeatThread {
  // Without flags of the process such as --inspect or --cpu-prof.
  const thread = new Worker(program, { name: 'ojs-heartbeat', workerData: plan, execArgv: [] });
  let stopping = false;
  const ended = new Promise<void>((resolve) => {
    thread.once('exit', (code) => {
      resolve();
      if (!stopping) listener.gone(new Error(`The thread ended with ${code}.`));
    });
  });
  thread.on('message', (news) => listener.news(news));
  thread.on('error', (error) => {
    if (stopping) return;
    stopping = true;
    listener.gone(error);
  });
  thread.unref();
  return {
    async stop() {
      if (stopping) return await ended;
      stopping = true;
      thread.ref();
      thread.postMessage('stop');
      await ended;
    },
  };
}
