import type { OperationName } from '@ojs-ts/core/operations';
import { useQueryClient } from '@tanstack/react-query';
import { type CallOptions, callText } from '../../api/client.ts';
import { messageOf } from '../../api/failure.ts';
import { showToast } from '../../ui/toasts.ts';

/** A call that changes what is followed. A failure is shown; true if it has worked. */
export function useChange(): (operation: OperationName, options: CallOptions, done: string) => Promise<boolean> {
  const client = useQueryClient();
  return async (operation, options, done) => {
    try {
      await callText(operation, options);
      showToast({ kind: 'done', text: done });
      return true;
    } catch (error) {
      showToast({ kind: 'failed', text: messageOf(error) });
      return false;
    } finally {
      const changed = ['job.get', 'workflow.get', 'cron.get', 'deadLetter.get', 'job.explain', 'event.list'];
      await Promise.all(changed.map((name) => client.invalidateQueries({ queryKey: [name] })));
    }
  };
}
