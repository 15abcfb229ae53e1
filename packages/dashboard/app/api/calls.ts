import type { OperationName } from '@ojs-ts/core/operations';
import type { Answers } from '@ojs-ts/core/schemas';
import {
  keepPreviousData,
  type QueryClient,
  type QueryKey,
  type UseMutationResult,
  type UseQueryResult,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { isRecord } from '../json/numeral.ts';
import type { Summary } from '../live/summary.ts';
import { showToast } from '../ui/toasts.ts';
import { type CallOptions, call } from './client.ts';
import { messageOf } from './failure.ts';

type Asked = Pick<CallOptions, 'params' | 'query' | 'body'>;

export interface CallHookOptions extends Asked {
  readonly enabled?: boolean;
  /** Reports whether the events change this answer. Absent: only actions of this page refresh it. */
  readonly live?: (summary: Summary) => boolean;
  /** Shows the last answer while the next one is on its way: pages of a list, a filter being typed. */
  readonly keepLast?: boolean;
  /** In milliseconds, at least 5,000: what no event reports, such as heartbeats. */
  readonly refreshMs?: number;
}

/** Also the beginning of the key for `invalidate`. */
export function keyOf(name: OperationName, { params, query, body }: Asked = {}): QueryKey {
  return [name, params ?? null, query ?? null, ...(body === undefined ? [] : [body])];
}

/** One answer of the server, refreshed when the event stream reports something that changes it. */
export function useCall<Name extends OperationName>(
  name: Name,
  { enabled = true, live, keepLast = false, refreshMs, ...asked }: CallHookOptions = {},
): UseQueryResult<Answers[Name], Error> {
  return useQuery<Answers[Name], Error>({
    queryKey: keyOf(name, asked),
    queryFn: ({ signal }) => call(name, { ...asked, signal }),
    enabled,
    ...(keepLast && { placeholderData: keepPreviousData }),
    ...(refreshMs !== undefined && { refetchInterval: Math.max(refreshMs, 5_000) }),
    ...(live !== undefined && { meta: { live } }),
  });
}

export interface ActionOptions<Name extends OperationName> {
  /** Said when it has worked; nothing without it. */
  readonly done?: string | ((answer: Answers[Name]) => string);
  /** Operations whose answers have changed. */
  readonly changes?: readonly OperationName[];
  /** Members that what the call names shows at once, in all of these answers; taken back where the call fails. */
  readonly shows?: Readonly<Record<string, unknown>>;
  readonly onDone?: (answer: Answers[Name]) => void;
}

/** A call that changes something. A failure is shown, and an optimistic change is taken back. */
export function useAction<Name extends OperationName>(
  name: Name,
  { done, changes = [], shows, onDone }: ActionOptions<Name> = {},
): UseMutationResult<Answers[Name], Error, CallOptions, { readonly undo: (() => void) | undefined }> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (asked: CallOptions) => call(name, asked),
    onMutate: ({ params }: CallOptions) => ({ undo: shows && showAtOnce(client, changes, params, shows) }),
    onSuccess: (answer) => {
      if (done !== undefined) showToast({ kind: 'done', text: typeof done === 'string' ? done : done(answer) });
      onDone?.(answer);
    },
    onError: (error, _, context) => {
      context?.undo?.();
      // A dialog shows the failure in its place.
      if (document.querySelector('dialog[open]') === null) showToast({ kind: 'failed', text: messageOf(error) });
    },
    onSettled: () => Promise.all(changes.map((changed) => client.invalidateQueries({ queryKey: [changed] }))),
  });
}

/** Changes one thing in answers: each is the thing itself, or a list of such. The result takes it back. */
function showAtOnce(
  client: QueryClient,
  names: readonly OperationName[],
  params: CallOptions['params'] = {},
  shows: Readonly<Record<string, unknown>>,
): () => void {
  const isMeant = (one: Readonly<Record<string, unknown>>) =>
    Object.entries(params).every(([name, value]) => one[name] === value);
  const changed = (answer: unknown): unknown => {
    if (!isRecord(answer)) return answer;
    if (Array.isArray(answer.items)) return { ...answer, items: answer.items.map(changed) };
    return isMeant(answer) ? { ...answer, ...shows } : answer;
  };
  const before = names.flatMap((name) => client.getQueriesData({ queryKey: [name] }));
  for (const [key, answer] of before) client.setQueryData(key, changed(answer));
  return () => {
    for (const [key, answer] of before) client.setQueryData(key, answer);
  };
}
