import { messageOf } from '../connection/attempts.ts';
import type { Connection } from '../connection/connection.ts';
import type { Deadline } from '../connection/deadline.ts';
import { serverTraits } from '../operations/manifest.ts';
import type { Workflow } from '../workflow/workflow.ts';
import { follow } from './follow.ts';
import { Outage } from './outage.ts';
import { streaming } from './stream.ts';
import { EventType } from './types.ts';

const types = [EventType.WORKFLOW_COMPLETED, EventType.WORKFLOW_FAILED, EventType.WORKFLOW_CANCELLED];
const minPauseMs = 50;
const maxPauseMs = 1_000;
/** How often each workflow is read even while a stream reports their ends, in milliseconds. */
const safetyMs = 10_000;

/**
 * Waits for the ends of workflows. All waits share one stream, which says when to read a workflow again. Without a
 * stream, the waiter polls each workflow.
 */
export class WorkflowWaiter {
  readonly #connection: Connection;
  readonly #read: (workflowId: string, signal: AbortSignal) => Promise<Workflow>;
  readonly #waiting = new Map<string, Set<() => void>>();
  #stream: AbortController | null = null;
  #isLive = false;

  constructor(connection: Connection, read: (workflowId: string, signal: AbortSignal) => Promise<Workflow>) {
    this.#connection = connection;
    this.#read = read;
  }

  /**
   * The workflow once it has ended. An outage shorter than the timeout of a call is waited out.
   * @throws the error of the deadline; what reading the workflow throws.
   */
  async waitFor(workflowId: string, deadline: Deadline): Promise<Workflow> {
    let wake = () => {};
    let answeredAt = Number.NEGATIVE_INFINITY;
    const outage = new Outage(this.#connection.timeoutMs);
    const leave = this.#enter(workflowId, () => wake());
    try {
      for (let pauseMs = minPauseMs; ; pauseMs = Math.min(maxPauseMs, pauseMs * 1.5)) {
        this.#connection.closing.throwIfAborted();
        const { promise: woken, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        const workflow = await deadline.race(this.#read(workflowId, deadline.signal)).catch((error: unknown) => {
          deadline.signal.throwIfAborted();
          if (!outage.covers(error, answeredAt)) throw error;
          return null;
        });
        if (workflow !== null) answeredAt = performance.now();
        if (workflow !== null && workflow.state !== 'running' && workflow.state !== 'pending') return workflow;
        const timer = setTimeout(resolve, workflow !== null && this.#isLive ? safetyMs : pauseMs);
        try {
          await deadline.race(woken);
        } finally {
          clearTimeout(timer);
        }
      }
    } finally {
      leave();
    }
  }

  #enter(workflowId: string, wake: () => void): () => void {
    const wakes = this.#waiting.get(workflowId) ?? new Set();
    this.#waiting.set(workflowId, wakes.add(wake));
    if (this.#stream === null) this.#open();
    return () => {
      wakes.delete(wake);
      if (wakes.size === 0) this.#waiting.delete(workflowId);
      if (this.#waiting.size > 0) return;
      this.#stream?.abort();
      this.#stream = null;
      this.#isLive = false;
    };
  }

  #open(): void {
    const stream = new AbortController();
    this.#stream = stream;
    this.#listen(stream).catch((error: unknown) => {
      if (stream.signal.aborted) return;
      this.#isLive = false;
      this.#connection.logger.debug('workflow stream unavailable: polling each workflow', {
        error: messageOf(error),
      });
      this.#wakeAll();
    });
  }

  async #listen({ signal }: AbortController): Promise<void> {
    if (streaming(this.#connection) === null) return;
    if (!(await serverTraits(this.#connection)).catalogueStreams || signal.aborted) return;
    const onOpen = () => {
      if (signal.aborted) return;
      this.#isLive = true;
      // The stream does not report what ended before it opened.
      this.#wakeAll();
    };
    for await (const event of follow(this.#connection, { types, signal }, { onOpen })) {
      if (event.event === EventType.SYSTEM_GAP) this.#wakeAll();
      else for (const wake of this.#waiting.get(event.workflowId ?? '') ?? []) wake();
    }
    // The client has closed: each wait must fail.
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wakes of this.#waiting.values()) for (const wake of wakes) wake();
  }
}
