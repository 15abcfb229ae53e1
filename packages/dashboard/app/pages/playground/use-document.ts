import { type JsonNode, readDocument } from '@ojs-ts/core/json';
import type { OperationName } from '@ojs-ts/core/operations';
import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { type CallOptions, callText } from '../../api/client.ts';
import { ApiFailure } from '../../api/failure.ts';
import { memberOf } from '../../json/document.ts';
import { parse } from '../../json/numeral.ts';
import type { Summary } from '../../live/summary.ts';

/** The interval of reads while no event arrives, in milliseconds: the server has no log, or the connection broke. */
export const lookMs = 5_000;

export interface Shown<Fields> {
  readonly fields: Fields;
  /** The same value as written. */
  readonly node: JsonNode;
}

export interface Following<Fields> {
  readonly operation: OperationName;
  readonly params: NonNullable<CallOptions['params']>;
  /** The member of the answer. */
  readonly member: 'job' | 'workflow' | 'cron';
  readonly live: (summary: Summary) => boolean;
  /** Nothing changes any more. */
  readonly isOver: (fields: Fields) => boolean;
}

/** A job, a workflow or a cron as it is now. */
export function useDocument<Fields>({
  operation,
  params,
  member,
  live,
  isOver,
}: Following<Fields>): UseQueryResult<Shown<Fields>, Error> {
  return useQuery({
    queryKey: [operation, params, 'document'],
    queryFn: async ({ signal }): Promise<Shown<Fields>> => {
      const text = await callText(operation, { params, signal });
      const { [member]: fields } = parse(text) as Readonly<Record<typeof member, Fields>>;
      const node = readDocument(text);
      return { fields, node: memberOf(node, member) ?? node };
    },
    refetchInterval: ({ state: { data, error } }) => {
      if (error instanceof ApiFailure && !error.isTemporary) return false;
      return data !== undefined && isOver(data.fields) ? false : lookMs;
    },
    meta: { live },
  });
}
