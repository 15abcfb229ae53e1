import { readRedaction } from '../access/payloads.ts';
import { roles } from '../access/roles.ts';
import { expectedJobType, isJobType, isQueueName } from '../names.ts';
import type { systemOperations } from '../operations/system.ts';
import { isUuidv7 } from '../uuid.ts';
import { checked, duration, future, optional } from './members.ts';
import { cursor, force, limit, page, queue, span, text, word } from './parameters.ts';
import type { Requests } from './request.ts';
import { Type } from './type.ts';

/** The name of a queue, or a beginning of names. */
function isPattern(text: string): boolean {
  return text === '*' || isQueueName(text.replace(/[.-]?\*$/, ''));
}

const list = 'Several are separated by commas.';

export const systemRequests = {
  'system.manifest': { summary: 'Levels, extensions, limits and retention of this server' },
  'system.health': { summary: 'Whether the storage answers and takes writes' },
  'system.openapi': { summary: 'This document' },
  'system.metrics': {
    summary: 'Measurements for Prometheus',
    query: { format: word('Format of the text; by `Accept` if it is left out.', 'prometheus', 'openmetrics') },
  },
  'system.doctor': { summary: 'What an operator should repair, the worst first' },
  'admin.stats': { summary: 'Sums over all queues, waits and runs, and workers by state' },
  'admin.history': {
    summary: 'Sums by period',
    query: {
      period: word('Length of one period.', '1m', '5m', '1h', '1d'),
      ...span,
      queue,
      type: checked(isJobType, expectedJobType, { description: 'Only jobs of this type.' }),
    },
  },
  'admin.config': { summary: 'Settings of the server, and where each comes from' },
  'admin.maintenance': { summary: 'Whether maintenance mode is on' },
  'admin.setMaintenance': {
    summary: 'Begin or end maintenance mode',
    audit: 'maintenance.changed',
    body: {
      unknown: 'refuse',
      schema: () =>
        Type.Object({
          enabled: Type.Boolean({ description: 'Whether the server starts no jobs.' }),
          ...optional({
            reason: Type.String({ maxLength: 1_000, description: 'Shown to people and clients.' }),
            estimated_duration: duration('How long it is expected to last.'),
          }),
        }),
    },
  },
  'event.list': {
    summary: 'Events after a cursor',
    query: {
      limit,
      after: text('Continues after this position.'),
      cursor,
      order: word('`asc` after the cursor, or `desc` for the newest first.', 'asc', 'desc'),
      type: text('Only events of this type.'),
      queue: text('Only events about this queue.'),
      types: text(`Only events of these types. ${list}`),
      queues: text(`Only events about these queues. ${list}`),
      job_types: text(`Only events about jobs of these types. ${list}`),
    },
    tolerated: ['since', 'offset', 'page', 'per_page'],
  },
  'audit.list': {
    summary: 'The audit log, newest first',
    query: {
      id: checked(isUuidv7, 'the id of an entry', { description: 'Only the entry with this id.' }),
      limit,
      cursor: checked(isUuidv7, 'the next_cursor of an answer', {
        description: 'The `next_cursor` of the page before.',
      }),
      type: Type.String({ description: 'Only entries of this type.' }),
      principal: Type.String({ description: 'Only entries of this caller.' }),
      about: Type.String({
        maxLength: 512,
        description: 'Only entries that name this job, queue, cron or other thing.',
      }),
      ...span,
    },
  },
  'token.list': { summary: 'Tokens of the store, without their secrets', query: page },
  'token.create': {
    summary: 'Create a token; the answer has its secret, once',
    audit: 'token.created',
    body: {
      unknown: 'refuse',
      schema: () =>
        Type.Object({
          name: Type.String({ minLength: 1, maxLength: 128 }),
          roles: Type.Array(Type.Enum([...roles]), { minItems: 1 }),
          ...optional({
            queues: Type.Array(checked(isPattern, 'the name of a queue, or its beginning and *', {}), {
              ...{ minItems: 1, maxItems: 100, description: 'All queues if it is left out.' },
            }),
            redact: Type.Array(
              checked(
                (path) => readRedaction(path) !== null,
                'a path below args, meta or result, such as args[0].card or meta.*',
                {},
              ),
              { maxItems: 100, description: 'Paths that the holder never sees.' },
            ),
            expires_at: future('RFC 3339 time, or a duration from now such as `+P90D`.'),
          }),
        }),
    },
  },
  'token.rotate': {
    summary: 'Give a token a new secret',
    audit: 'token.rotated',
    body: {
      unknown: 'refuse',
      optional: true,
      schema: () =>
        Type.Object(
          optional({
            grace: duration(
              'How long the old secret stays valid, at most P30D.',
              'an ISO 8601 duration of at most P30D, such as PT1H; PT0S ends the old secret now',
              30 * 86_400_000,
            ),
          }),
        ),
    },
  },
  'token.revoke': { summary: 'Revoke a token', audit: 'token.revoked', query: force },
} as const satisfies Requests<keyof typeof systemOperations>;
