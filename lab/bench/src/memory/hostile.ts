import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { ask, type Statuses, unread } from './requests.ts';

const mebibyte = 1_048_576;

export interface Attack {
  readonly url: string;
  readonly statuses: Statuses;
  readonly isOver: () => boolean;
}

/** Clients that want too much, each again and again until it is over. */
export async function attack(options: Attack, streams: number): Promise<void> {
  const { url, statuses, isOver } = options;
  const post = async (what: string, path: string, body: string) => {
    while (!isOver()) {
      statuses.note(what, (await ask(url, 'POST', path, body, { keep: false })).status);
      await pause(100);
    }
  };
  const step = '{"type":"Not A Type","args":[1,2,3]},';
  const graph = `{"type":"chain","steps":[${step.repeat(Math.floor((15 * mebibyte) / step.length))}${step.slice(0, -1)}]}`;
  const values = `{"type":"chain","steps":[${'[],'.repeat(5 * mebibyte)}[]]}`;
  const large = `{"type":"a.b","args":["${'z'.repeat(900_000)}"],"queue":"attack"}`;
  const batch = `{"jobs":[${Array(30).fill(large).join(',')}]}`;
  const tooLarge = `{"type":"a.b","args":["${'z'.repeat(2 * mebibyte)}"]}`;
  await Promise.all([
    post('rejected graph of 15 MB', '/workflows', graph),
    post('15 MB of empty arrays', '/workflows', values),
    post('batch of 27 MB', '/jobs/batch', batch),
    post('batch of 27 MB', '/jobs/batch', batch),
    post('job of 2 MB', '/jobs', tooLarge),
    discard(options),
    stay(options, streams, 'GET /ojs/v1/events/stream?last_event_id=0 HTTP/1.1'),
    stay(options, 30, 'GET /ojs/v1/jobs?limit=1000 HTTP/1.1'),
    stay(
      options,
      30,
      `POST /ojs/v1/jobs/batch HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: ${31 * mebibyte}`,
    ),
  ]);
}

/** Takes what the batches left: raw fetches of 100 jobs of 0.9 MB, which are deleted in the end. */
async function discard({ url, statuses, isOver }: Attack): Promise<void> {
  const worker = 'raw';
  while (!isOver()) {
    const fetched = await ask(
      url,
      'POST',
      '/workers/fetch',
      JSON.stringify({ queues: ['attack'], count: 100, worker_id: worker }),
    );
    statuses.note('fetch of 100', fetched.status);
    if (fetched.status !== 200) {
      await pause(200);
      continue;
    }
    const { jobs }: { readonly jobs: readonly { readonly id: string; readonly x_lease: string }[] } = JSON.parse(
      fetched.text,
    );
    for (const { id, x_lease } of jobs) {
      const ack = { job_id: id, worker_id: worker, x_lease, result: 'r'.repeat(900_000) };
      const { status } = await ask(url, 'POST', '/workers/ack', JSON.stringify(ack), { keep: false });
      statuses.note('ack with 0.9 MB', status);
    }
    if (jobs.length === 0) await pause(200);
  }
}

/** So many connections that ask and read nothing; one that is dropped comes back. */
async function stay({ url, isOver }: Attack, count: number, head: string): Promise<void> {
  const open = new Set<Socket>();
  while (!isOver()) {
    for (let missing = Math.min(100, count - open.size); missing > 0; missing--) {
      const socket = await unread(url, head);
      if (socket === null) break;
      open.add(socket);
      socket.once('close', () => open.delete(socket));
    }
    await pause(50);
  }
  for (const socket of open) socket.destroy();
}
