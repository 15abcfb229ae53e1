import { type JsonNode, readDocument } from '@ojs-ts/core/json';
import type { OperationName } from '@ojs-ts/core/operations';
import type { Answers, LoggedEvent } from '@ojs-ts/core/schemas';
import { type UseQueryResult, useQuery, useQueryClient } from '@tanstack/react-query';
import { call, callText } from '../../api/client.ts';
import { ApiFailure } from '../../api/failure.ts';
import { memberOf } from '../../json/document.ts';
import { parse } from '../../json/numeral.ts';
import type { Summary } from '../../live/summary.ts';
import type { Target } from './targets.ts';

/** The interval of reads while no event arrives, in milliseconds: the server has no log, or the connection broke. */
const lookMs = 5_000;

/** The answers that a change of the target changes. */
export const followed: readonly OperationName[] = [
  'job.get',
  'workflow.get',
  'cron.get',
  'deadLetter.get',
  'job.explain',
  'event.list',
];

/** The answer to a read of each kind of target has a member with the name of the kind. */
export interface Documents {
  readonly job: Answers['job.get']['job'];
  readonly workflow: Answers['workflow.get']['workflow'];
  readonly cron: Answers['cron.get']['cron'];
}

export interface Shown<Fields> {
  readonly fields: Fields;
  /** The same value as written. */
  readonly node: JsonNode;
}

/** Decides when what is shown changes, and when nothing changes any more. */
interface Following<Value> {
  readonly live: (summary: Summary) => boolean;
  readonly isOver: (value: Value) => boolean;
}

/** A job, a workflow or a cron as it is now. */
export function useDocument<Kind extends keyof Documents>(
  kind: Kind,
  id: string,
  { live, isOver }: Following<Documents[Kind]>,
): UseQueryResult<Shown<Documents[Kind]>, Error> {
  const params: Readonly<Record<string, string>> = kind === 'cron' ? { name: id } : { id };
  return useQuery({
    queryKey: [`${kind}.get`, params, 'document'],
    queryFn: async ({ signal }): Promise<Shown<Documents[Kind]>> => {
      const text = await callText(`${kind}.get`, { params, signal });
      const { [kind]: fields } = parse(text) as Pick<Documents, Kind>;
      const node = readDocument(text);
      return { fields, node: memberOf(node, kind) ?? node };
    },
    refetchInterval: ({ state: { data, error } }) => {
      if (error instanceof ApiFailure && !error.isTemporary) return false;
      return data !== undefined && isOver(data.fields) ? false : lookMs;
    },
    meta: { live },
  });
}

export interface EventLog {
  readonly events: readonly LoggedEvent[];
  /** How far the log was read. */
  readonly cursor: string;
}

export interface EventsOptions extends Following<readonly LoggedEvent[]> {
  readonly target: Target;
  /** The type of the jobs; absent for all. Undefined while it is not known. */
  readonly jobType?: string | undefined;
  readonly enabled?: boolean;
  readonly isAbout: (event: LoggedEvent) => boolean;
}

const perPage = 500;
/** More events than these push the oldest out of the page. */
const most = 500;

/** The end of the log at this moment. */
export async function endOfLog(signal?: AbortSignal): Promise<string> {
  const { newest_cursor } = await call('event.list', {
    query: { order: 'desc', limit: 1 },
    ...(signal !== undefined && { signal }),
  });
  return newest_cursor ?? '0';
}

/** All events of a target since its place in the log. Each look reads on from where the last one ended. */
export function useEvents(options: EventsOptions): UseQueryResult<EventLog, Error> {
  const { target, jobType, enabled = true, isAbout, live, isOver } = options;
  const client = useQueryClient();
  const queryKey = ['event.list', 'of', target];
  return useQuery({
    queryKey,
    queryFn: async ({ signal }): Promise<EventLog> => {
      const known = client.getQueryData<EventLog>(queryKey);
      let events = known?.events ?? [];
      let cursor = known?.cursor ?? target.after ?? (await endOfLog(signal));
      for (let hasMore = true; hasMore; ) {
        const query = { types: `${target.kind}.*`, job_types: jobType, after: cursor, limit: perPage };
        const page = await call('event.list', { query, signal });
        events = [...events, ...page.events.filter(isAbout)].slice(-most);
        cursor = page.cursor ?? cursor;
        hasMore = page.has_more;
      }
      return { events, cursor };
    },
    enabled,
    refetchInterval: ({ state: { data } }) => (data !== undefined && isOver(data.events) ? false : lookMs),
    meta: { live },
  });
}
