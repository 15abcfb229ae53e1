import type { OperationName } from '@ojs-ts/core/operations';
import { useMutation } from '@tanstack/react-query';
import { callText } from '../../api/client.ts';
import { mayCall, useSession } from '../../api/session.ts';
import { parse } from '../../json/numeral.ts';
import { useSearchTexts } from '../../search.ts';
import type { Kind } from './examples.ts';
import { addSent, type Sent, searchOf } from './targets.ts';
import { endOfLog } from './watch.ts';

export const operationOf: Readonly<Record<Kind, OperationName>> = {
  job: 'job.enqueue',
  workflow: 'workflow.create',
  cron: 'cron.register',
};

interface Made {
  readonly id?: string;
  readonly name?: string | null;
  readonly type?: string;
}

/** Sends the text unchanged, and follows the result. */
export function useSend() {
  const { change } = useSearchTexts();
  const session = useSession();
  return useMutation({
    mutationFn: async ({ kind, text }: { readonly kind: Kind; readonly text: string }): Promise<Sent> => {
      // From before the request, so that the events of a job of a millisecond are all there.
      const after = mayCall(session, 'event.list') ? await endOfLog() : null;
      const answer = parse(await callText(operationOf[kind], { body: text })) as Readonly<Record<Kind, Made>>;
      const { id, name, type } = answer[kind];
      return { kind, id: id ?? name ?? '', name: name || type || kind, after };
    },
    onSuccess: (sent) => {
      addSent(sent);
      change(searchOf(sent));
    },
  });
}
