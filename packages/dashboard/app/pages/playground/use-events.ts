import type { LoggedEvent } from '@ojs-ts/core/schemas';
import { type UseQueryResult, useQuery, useQueryClient } from '@tanstack/react-query';
import { call } from '../../api/client.ts';
import type { Summary } from '../../live/summary.ts';
import type { Target } from './targets.ts';
import { lookMs } from './use-document.ts';

export interface EventLog {
  readonly events: readonly LoggedEvent[];
  /** How far the log was read. */
  readonly cursor: string;
}

export interface EventsOptions {
  readonly target: Target;
  /** `job.*` */
  readonly types: string;
  /** The type of the jobs; absent for all. Undefined while it is not known. */
  readonly jobType?: string | undefined;
  readonly enabled?: boolean;
  readonly isAbout: (event: LoggedEvent) => boolean;
  readonly live: (summary: Summary) => boolean;
  readonly isOver: (events: readonly LoggedEvent[]) => boolean;
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
  const { target, types, jobType, enabled = true, isAbout, live, isOver } = options;
  const client = useQueryClient();
  const queryKey = ['event.list', 'of', target];
  return useQuery({
    queryKey,
    queryFn: async ({ signal }): Promise<EventLog> => {
      const known = client.getQueryData<EventLog>(queryKey);
      let events = known?.events ?? [];
      let cursor = known?.cursor ?? target.after ?? (await endOfLog(signal));
      for (let hasMore = true; hasMore; ) {
        const page = await call('event.list', {
          query: { types, job_types: jobType, after: cursor, limit: perPage },
          signal,
        });
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
