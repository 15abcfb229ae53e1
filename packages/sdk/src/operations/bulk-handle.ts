import { pause } from '../connection/pause.ts';
import type { CallOptions } from '../job/options.ts';
import { checkNames } from '../options/check-names.ts';
import { type BulkOperation, type BulkWaitOptions, bulkWaitNames } from './bulk-operations.ts';

/** Between two looks, in milliseconds. */
const lookMs = 500;

/** The calls of the Admin that a handle uses. */
export interface BulkCalls {
  read(id: string, options: CallOptions): Promise<BulkOperation>;
  stop(id: string, options: CallOptions): Promise<BulkOperation>;
  resume(id: string, options: CallOptions): Promise<BulkOperation>;
  undo(id: string, options: CallOptions): Promise<BulkHandle>;
  /** Aborts when the Admin closes. */
  readonly closing: AbortSignal;
}

/** A bulk operation of the server, which goes on without this process. */
export class BulkHandle {
  readonly id: string;
  /** How it stood at its start. */
  readonly operation: BulkOperation;
  readonly #calls: BulkCalls;

  constructor(operation: BulkOperation, calls: BulkCalls) {
    this.id = operation.id;
    this.operation = operation;
    this.#calls = calls;
  }

  /** How it stands. @throws {JobNotFoundError} after a week, when the server has forgotten it. */
  refresh(options: CallOptions = {}): Promise<BulkOperation> {
    return this.#calls.read(this.id, options);
  }

  /**
   * Resolves once the operation is done, was stopped or has failed: its `state` says which. Aborting ends the wait, not
   * the operation. @throws the reason of the signal; the errors of a call.
   */
  async wait(options: BulkWaitOptions = {}): Promise<BulkOperation> {
    checkNames(options, bulkWaitNames);
    const { onProgress, ...call } = options;
    const { closing } = this.#calls;
    const stop = call.signal === undefined ? closing : AbortSignal.any([closing, call.signal]);
    for (;;) {
      const operation = await this.#calls.read(this.id, call);
      onProgress?.(operation);
      if (operation.state !== 'running') return operation;
      await pause(lookMs, stop);
      stop.throwIfAborted();
    }
  }

  /** Ends it after the step under way; {@link resume} goes on. @throws {OJSAPIError} `conflict` if it has ended. */
  stop(options: CallOptions = {}): Promise<BulkOperation> {
    return this.#calls.stop(this.id, options);
  }

  /** Goes on. @throws {OJSAPIError} `conflict` if it has ended or was undone. */
  resume(options: CallOptions = {}): Promise<BulkOperation> {
    return this.#calls.resume(this.id, options);
  }

  /** Takes back what it did, by an operation of its own. @throws as {@link Admin.undoBulk}. */
  undo(options: CallOptions = {}): Promise<BulkHandle> {
    return this.#calls.undo(this.id, options);
  }
}
