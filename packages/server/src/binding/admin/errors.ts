import { formatTimestamp } from '@ojs-ts/core';
import { type ErrorQuery, Failed } from '@ojs-ts/core/job';
import { type Query, readPage, statesOf, wrongValue } from '@ojs-ts/core/requests';
import { readQuery } from '@ojs-ts/core/schemas';
import type { Parts } from '../../engine/engine.ts';
import type { BindingRequest } from '../handler.ts';
import { json, type Reply } from '../reply.ts';

type Engine = Parts<'storage'>;

const usual = 20;
/** Each group reads the histories of up to four jobs. */
const most = 100;

/**
 * GET /admin/errors?state&dead_letter&queue&type&limit: jobs that failed, and wait for another attempt or are
 * discarded, by the fingerprints of their last errors, the most frequent first.
 */
export async function errors(engine: Engine, { query, access }: BindingRequest): Promise<Reply> {
  access?.chosen(query.queue === undefined ? [] : [query.queue]);
  const { groups, fingerprints, jobs } = await engine.storage.jobs.errors(readErrorQuery(query));
  return json({
    items: groups.map(({ fingerprint, count, type, message, firstAt, lastAt }) => ({
      fingerprint,
      count,
      error_type: type,
      message,
      first_at: formatTimestamp(firstAt),
      last_at: formatTimestamp(lastAt),
    })),
    total: fingerprints,
    jobs,
  });
}

function readErrorQuery(query: Query): ErrorQuery {
  const { queue, type, dead_letter: deadLetter, ...sent } = readQuery('admin.errors', query, 0);
  const states = statesOf(sent, Failed);
  if ((states & ~Failed) !== 0)
    throw wrongValue('query.state', 'must be out of retryable and discarded: jobs in other states have no error');
  return {
    states,
    ...(deadLetter && { deadLetter: true as const }),
    ...(queue !== undefined && { queue }),
    ...(type !== undefined && { type }),
    limit: readPage({ limit: query.limit }, usual, most).limit,
  };
}
