import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { plainEnvironment } from '../child.ts';
import { cpuMs, pssBytes, rssBytes, wakeUps } from '../process.ts';
import { startServer } from '../server.ts';
import { freshStore } from '../store.ts';

/** From the start of the process to the first 200 of its health, and its CPU time until then. */
export interface Start {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** One process that nobody asks anything. */
export interface Idle {
  readonly cpuPercent: number;
  /** Voluntary context switches of all threads, a second. */
  readonly wakeUps: number;
  readonly residentBytes: number;
  /** With its share of what it has in common with others. */
  readonly proportionalBytes: number;
}

export interface IdleRun {
  readonly alone: Idle;
  /** With one SDK worker that waits for jobs, and that worker. */
  readonly attached: Idle;
  readonly worker: Idle;
}

export interface IdleOptions {
  /** A folder with the built packages. */
  readonly built: string;
  readonly storage: string;
  readonly seconds: number;
}

/** The check of an SQLite file begins 5 s after the start, in a process of its own. */
const settleMs = 8_000;

/** The first start migrates an empty store and does not count. */
export async function measureStarts(built: string, storage: string, count: number): Promise<readonly Start[]> {
  await using store = await freshStore(storage);
  const starts: Start[] = [];
  for (let n = 0; n <= count; n++) {
    const began = performance.now();
    await using server = await startServer(store.storage, { cli: cliOf(built) });
    const { ok } = await fetch(`${server.url}/ojs/v1/health`);
    const start = { wallMs: performance.now() - began, cpuMs: cpuMs(server.pid) };
    if (!ok) throw new Error(`the health of ${storage} is not 200`);
    if (n > 0) starts.push(start);
  }
  return starts;
}

export async function measureIdle({ built, storage, seconds }: IdleOptions): Promise<IdleRun> {
  await using store = await freshStore(storage);
  await using server = await startServer(store.storage, { cli: cliOf(built) });
  await pause(settleMs);
  const alone = await watch(server.pid, seconds);
  const worker = await startWorker(built, server.url);
  const stop = () => worker.kill('SIGKILL');
  process.once('exit', stop);
  try {
    await pause(settleMs / 2);
    const [attached, own] = await Promise.all([watch(server.pid, seconds), watch(worker.pid ?? 0, seconds)]);
    return { alone, attached, worker: own };
  } finally {
    process.off('exit', stop);
    stop();
  }
}

function cliOf(built: string): string {
  return join(built, 'node_modules/@ojs-ts/cli/lib/main.js');
}

async function watch(pid: number, seconds: number): Promise<Idle> {
  const began = performance.now();
  const before = { cpu: cpuMs(pid), wakeUps: wakeUps(pid) };
  await pause(seconds * 1_000);
  const ms = performance.now() - began;
  return {
    cpuPercent: ((cpuMs(pid) - before.cpu) / ms) * 100,
    wakeUps: ((wakeUps(pid) - before.wakeUps) / ms) * 1_000,
    residentBytes: rssBytes(pid),
    proportionalBytes: pssBytes(pid),
  };
}

/** JavaScript: a program in TypeScript would carry the compiler of Node, 30 MiB. */
const program = `import { Worker } from '@ojs-ts/sdk';
const logger = { debug() {}, info() {}, warn() {}, error: console.error };
const worker = new Worker(process.argv[1], { logger });
worker.register('idle.job', () => {});
console.log('started');
await worker.start();`;

async function startWorker(built: string, url: string): Promise<ChildProcess> {
  const worker = spawn(process.execPath, ['--input-type=module', '--eval', program, url], {
    cwd: built,
    env: plainEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (worker.stdout !== null) await once(worker.stdout, 'data');
  return worker;
}
