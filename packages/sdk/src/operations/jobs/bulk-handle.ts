import { pause } from '../../connection/pause.ts';
import type { CallOptions } from '../../job/options.ts';
import { checkNames } from '../../options/check-names.ts';
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

/** A bulk operation of the server, which continues without this process. */
export interface BulkHandle {
  readonly id: string;
  /** The state of the operation at its start. */
  readonly operation: BulkOperation;
  /**
   * Reads the current state of the operation. @throws {JobNotFoundError} after a week, when the server has forgotten
   * it.
   */
  refresh(options?: CallOptions): Promise<BulkOperation>;
  /**
   * Resolves once the operation is done, was stopped or has failed: its `state` says which. Aborting ends the wait, not
   * the operation. @throws the reason of the signal; the errors of a call.
   */
  wait(options?: BulkWaitOptions): Promise<BulkOperation>;
  /** Ends it after the step that runs. @throws {OJSAPIError} `conflict` if it has ended. */
  stop(options?: CallOptions): Promise<BulkOperation>;
  /** Continues it. @throws {OJSAPIError} `conflict` if it has ended or was undone. */
  resume(options?: CallOptions): Promise<BulkOperation>;
  /** Takes back what it did, by an operation of its own. @throws as {@link Admin.undoBulk}. */
  undo(options?: CallOptions): Promise<BulkHandle>;
}

export function bulkHandle(operation: BulkOperation, calls: BulkCalls): BulkHandle {
  const { id } = operation;
  return {
    id,
    operation,
    refresh: (options = {}) => calls.read(id, options),
    stop: (options = {}) => calls.stop(id, options),
    resume: (options = {}) => calls.resume(id, options),
    undo: (options = {}) => calls.undo(id, options),
    async wait(options = {}) {
      checkNames(options, bulkWaitNames);
      const { onProgress, ...call } = options;
      const { closing } = calls;
      const stop = call.signal === undefined ? closing : AbortSignal.any([closing, call.signal]);
      for (;;) {
        const now = await calls.read(id, call);
        onProgress?.(now);
        if (now.state !== 'running') return now;
        await pause(lookMs, stop);
        stop.throwIfAborted();
      }
    },
  };
}
