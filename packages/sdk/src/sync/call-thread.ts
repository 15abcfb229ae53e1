import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { Answer, Call } from '@ojs-ts/core';
import { closedError, OJSError } from '../errors.ts';
import { threadProgram } from '../platform/node/thread-program.ts';
import { cell, cellsSize, type FromThread, type ThreadPlan, type ToThread } from './mailbox.ts';

const ownProgram = threadProgram('thread', import.meta.url);

/**
 * After this many slices without a pulse the other thread counts as dead. They are counted, not timed: a suspended
 * process has slept only one of them.
 */
const maxStill = 10;
/** The same limit before the first pulse: loading takes time on a busy machine. */
const maxStarting = 120;

export interface CallThreadOptions {
  /** Default: the program beside this module. */
  readonly program?: URL;
  /** How long the caller's thread sleeps between two checks of the other thread, in milliseconds. Default: 1,000. */
  readonly sliceMs?: number;
}

/** A thread that makes calls while the caller's thread waits. It never keeps the process alive. */
export class CallThread {
  readonly #thread: Worker;
  readonly #port: MessagePort;
  readonly #cells: Int32Array;
  readonly #sliceMs: number;
  #id = 0;
  #gone: OJSError | null = null;

  /** @throws {OJSError} if the program of the thread is missing, as in a bundle. */
  constructor(plan: Omit<ThreadPlan, 'cells'>, { program = ownProgram, sliceMs = 1_000 }: CallThreadOptions = {}) {
    this.#sliceMs = sliceMs;
    if (!existsSync(program)) {
      const path = fileURLToPath(program);
      throw new OJSError(
        `The program of the sync client's thread is not at ${path}; ` +
          'keep @ojs-ts/sdk out of the bundle, as an external package.',
      );
    }
    const shared = new SharedArrayBuffer(cellsSize);
    this.#cells = new Int32Array(shared);
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    // Flags of the process, such as --inspect, do not belong to the thread.
    this.#thread = new Worker(program, {
      name: 'ojs-sync',
      workerData: { plan: { ...plan, cells: shared }, port: port2 },
      transferList: [port2],
      execArgv: [],
    });
    this.#thread.on('error', (cause) => {
      this.#gone ??= gone(cause);
    });
    this.#thread.on('exit', () => {
      this.#gone ??= gone();
    });
    this.#thread.unref();
  }

  /**
   * The answer, or null if none came within `ms`.
   * @throws {OJSError} if the thread is dead; {Error} if the request failed.
   */
  call(call: Call, details: { readonly requestId?: string; readonly token?: string }, ms: number): Answer | null {
    const until = performance.now() + ms;
    const id = ++this.#id;
    this.#say({ kind: 'call', id, call, ...details });
    let [still, pulse] = [0, this.#pulse];
    for (;;) {
      // Read before the mail, so that later mail wakes this thread.
      const seen = Atomics.load(this.#cells, cell.mail);
      const outcome = this.#received(id);
      if (outcome !== null) return outcome;
      if (Atomics.load(this.#cells, cell.ended) === 1) this.#gone ??= gone();
      if (this.#gone !== null) throw this.#gone;
      const remaining = until - performance.now();
      if (remaining <= 0) {
        this.#say({ kind: 'give up' });
        return null;
      }
      if (Atomics.wait(this.#cells, cell.mail, seen, Math.min(remaining, this.#sliceMs)) !== 'timed-out') continue;
      still = this.#pulse === pulse ? still + 1 : 0;
      pulse = this.#pulse;
      if (still >= (pulse === 0 ? maxStarting : maxStill)) this.#gone ??= gone();
    }
  }

  end(): void {
    this.#gone ??= closedError();
    this.#port.close();
    void this.#thread.terminate();
  }

  get #pulse(): number {
    return Atomics.load(this.#cells, cell.pulse);
  }

  #received(id: number): Answer | null {
    for (;;) {
      const received: { readonly message: FromThread } | undefined = receiveMessageOnPort(this.#port);
      if (received === undefined) return null;
      const { id: of, outcome } = received.message;
      // The answer to a call that was given up.
      if (of !== id) continue;
      if ('answer' in outcome) return outcome.answer;
      throw new Error(outcome.failure);
    }
  }

  #say(message: ToThread): void {
    if (this.#gone !== null) throw this.#gone;
    this.#port.postMessage(message);
  }
}

function gone(cause?: unknown): OJSError {
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  return new OJSError(`The thread that makes the calls of this client has ended${why}. Open another client.`, {
    cause,
  });
}

/** Blocks this thread. */
export function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)), 0, 0, ms);
}
