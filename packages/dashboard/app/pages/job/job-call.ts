import type { OperationName } from '@ojs-ts/core/operations';
import { useQueryClient } from '@tanstack/react-query';
import { type CallOptions, callText } from '../../api/client.ts';
import { messageOf } from '../../api/failure.ts';
import { showToast } from '../../ui/toasts.ts';
import { type JobDocument, type JobState, jobKey } from './job.ts';

/** A call that changes the job, or what it waits for. */
export interface JobCall extends Pick<CallOptions, 'params' | 'body' | 'idempotencyKey'> {
  readonly operation: OperationName;
  /** Said when it has worked. A function reads the answer, and throws for one that reports a failure. */
  readonly done: string | ((answer: string) => string);
  /** The state that the job shows at once; taken back if the call fails. */
  readonly shows?: JobState;
}

export interface RunCall {
  /** The answer's text. A failure is thrown, for a dialog that shows it. */
  readonly run: (call: JobCall) => Promise<string>;
  /** A failure is shown as a notification. */
  readonly start: (call: JobCall) => void;
}

export function useJobCall(id: string): RunCall {
  const client = useQueryClient();
  const run = async ({ operation, done, shows, ...options }: JobCall): Promise<string> => {
    const before = client.getQueryData<JobDocument>(jobKey(id));
    if (shows !== undefined && before !== undefined) {
      await client.cancelQueries({ queryKey: jobKey(id) });
      client.setQueryData<JobDocument>(jobKey(id), { ...before, job: { ...before.job, state: shows } });
    }
    try {
      const text = await callText(operation, options);
      showToast({ kind: 'done', text: typeof done === 'string' ? done : done(text) });
      return text;
    } catch (error) {
      if (shows !== undefined) client.setQueryData(jobKey(id), before);
      throw error;
    } finally {
      const keys = [
        ['admin.job', { id }],
        ['job.explain'],
        ['job.history', { id }],
        ['job.steps', { id }],
        ['reruns', id],
      ];
      for (const queryKey of keys) void client.invalidateQueries({ queryKey });
    }
  };
  const start = (call: JobCall): void => {
    run(call).catch((error: unknown) => showToast({ kind: 'failed', text: messageOf(error) }));
  };
  return { run, start };
}
