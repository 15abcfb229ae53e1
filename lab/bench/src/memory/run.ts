import { readFileSync } from 'node:fs';
import { startServer } from '../server.ts';
import { attack } from './hostile.ts';
import { type Done, work } from './legal.ts';
import { ask, Statuses } from './requests.ts';

export interface MemoryOptions {
  readonly storage: string;
  /** Of the server, in MiB. */
  readonly heap: number;
  readonly seconds: number;
  /** Unread streams. */
  readonly streams: number;
}

export interface MemoryRun extends Done {
  readonly alive: boolean;
  /** The most that was resident, in MiB. */
  readonly residentMb: number;
  /** Answers of 500. */
  readonly failed: number;
  readonly statuses: Statuses['all'];
}

/** Finished jobs of 1 MB: enough that a workflow's results are there until its callback has read them. */
const retained = '1500';
/** How long what was accepted may take after the attack. */
const drainMs = 600_000;

/** `ojs serve` with a small heap, under legal and hostile sizes at once. */
export async function memory({ storage, heap, seconds, streams }: MemoryOptions): Promise<MemoryRun> {
  const env = {
    // V8 adds up to 192 MiB of young generation to a heap, however small the heap is: docs/operate/sizing.md.
    NODE_OPTIONS: `--max-old-space-size=${heap} --max-semi-space-size=16`,
    OJS_RETAIN_COUNT: retained,
    // All clients have one address here; what they may take of the memory is the question, not their number.
    OJS_MAX_CONNECTIONS_PER_ADDRESS: '20000',
    OJS_REALTIME_CONNECTIONS: String(streams + 100),
  };
  await using server = await startServer(storage, { env });
  const { url, pid } = server;
  let exited = false;
  server.process.once('exit', () => {
    exited = true;
  });
  const until = performance.now() + seconds * 1_000;
  const isOver = () => exited || performance.now() > until;
  const statuses = new Statuses();
  let residentMb = 0;
  const sampling = setInterval(() => {
    residentMb = Math.max(residentMb, residentOf(pid));
  }, 200);
  try {
    const [done] = await Promise.all([
      work({ url, statuses, isOver }, drainMs),
      attack({ url, statuses, isOver }, streams),
    ]);
    const health = await ask(url, 'GET', '/health', null);
    return { ...done, alive: health.status === 200, residentMb, failed: statuses.count(500), statuses: statuses.all };
  } finally {
    clearInterval(sampling);
  }
}

function residentOf(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024;
  } catch {
    return 0;
  }
}
