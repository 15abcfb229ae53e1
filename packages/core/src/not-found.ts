/** The refusal of a call about a thing that does not exist, for the server and the fake of `@ojs-ts/sdk/testing`. */
import { ProtocolError } from './errors.ts';
import { nearestName } from './suggestion.ts';

/** For each kind: the member of `details` that repeats the name, and a hint where names are listed. */
const kinds = {
  queue: ['queue', 'List them with ojs queues list or GET /ojs/v1/queues. A queue exists from its first job on.'],
  limit: [
    'key',
    'List them with ojs limits list or GET /ojs/v1/rate-limits. A job that names the key creates the limit.',
  ],
  'cron job': ['name', 'List them with ojs cron list or GET /ojs/v1/cron.'],
  schema: ['schema', 'List them with ojs schemas list or GET /ojs/v1/schemas.'],
  worker: [
    'worker_id',
    'List them with ojs workers list or GET /ojs/v1/workers. A worker that is silent for long is removed.',
  ],
  token: ['token_id', 'List them with ojs tokens list or GET /ojs/v1/admin/tokens. A revoked token stays revoked.'],
  'bulk operation': ['id', 'List them with ojs bulk list or GET /ojs/v1/admin/bulk.'],
  workflow: ['workflow_id', 'A workflow is deleted with its jobs when their retention ends.'],
} as const;

/** Names that are compared with a wrong one take some milliseconds. */
const maxCompared = 1_000;

/** @param known names to compare with, where a bounded read has them. */
export function notFound(what: keyof typeof kinds, name: string, known: Iterable<string> = []): ProtocolError {
  const [member, hint] = kinds[what];
  const shown = name.slice(0, 255);
  const suggestion = nearestName(shown, Iterator.from(known).take(maxCompared));
  const advice = suggestion === undefined ? '' : ` Did you mean ${suggestion}?`;
  const details = { [member]: shown, ...(suggestion !== undefined && { suggestion }) };
  return new ProtocolError('not_found', `There is no ${what} ${shown}.${advice}`, details, hint);
}
