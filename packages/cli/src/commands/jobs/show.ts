import { elements, isObject, members } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import { age, clipped, count, type Item, list, moment, part, text } from '../../output/cells.ts';
import { oneLine } from '../../output/plain.ts';
import { details, type Line, table, view } from '../../output/table.ts';

export const jobColumns = view`
  ID | TYPE | QUEUE | STATE | ATTEMPT>: ${ofAttempts} | AGE>: ${age} created_at | LAST ERROR: ${lastError}`;

function ofAttempts(job: Item): string {
  return `${text(job, 'attempt')}/${text(job, 'max_attempts')}`;
}

function lastError(job: Item): string {
  const last = list(job, 'errors').at(-1);
  if (!isObject(last)) return '';
  return clipped([text(last, 'type'), text(last, 'message')].filter((part) => part !== '').join(': '));
}

const lines = view`
  id | type | queue | state | attempt: ${attempt} | priority | worker: worker_id | limits: ${limits}
  created_at: ${moment} | enqueued_at: ${moment} | scheduled_at: ${moment} | started_at: ${moment}
  next_attempt_at: ${moment} | completed_at: ${moment} | cancelled_at: ${moment} | discarded_at: ${moment}
  expires_at: ${moment} | waits for: ${waits}`;
const texts = ['args', 'meta', 'result', 'x_progress'] as const;
const errorColumns = view`ATTEMPT> | TYPE | AGE>: ${age} occurred_at | MESSAGE`;

/** A job with its texts unchanged, and its errors. */
export function describeJob(item: Item, _: string, job: Json): string {
  const parts = members(job);
  const shown = details(
    lines,
    item,
    texts.map((name): Line => [name, shownText(parts.get(name))]),
  );
  const errors = elements(parts.get('errors') ?? '[]').map((error): unknown => JSON.parse(error));
  return errors.length === 0 ? shown : `${shown}\n\n${table(errorColumns, errors.filter(isObject))}`;
}

function attempt(item: Item): string {
  return `${text(item, 'attempt')} of ${text(item, 'max_attempts')}`;
}

/** The waits of a suspended job: `sleep cool down until 2026-12-03T10:00:00.000Z (in 2h), signal approval`. */
function waits(item: Item): string {
  const named = list(item, 'x_wait').filter(isObject);
  return named
    .map((wait) => `${waitedFor(wait)}${text(wait, 'until') && ` until ${moment(wait, 'until')}`}`)
    .join(', ');
}

/** The thing that a wait or a row of a step is for: `sleep cool down`, `signal approval`, `token order:42`. */
export function waitedFor(wait: Item): string {
  if (wait.token !== undefined) return `token ${text(wait, 'token')}`;
  return `${text(wait, 'kind')} ${text(wait, 'signal') || text(wait, 'name')}`;
}

function limits(item: Item): string {
  const keys = list(item, 'rate_limit').filter(isObject);
  return keys.map((limit) => text(limit, 'key')).join(', ');
}

function shownText(json: Json | undefined): string {
  return json === undefined || json === 'null' || json === '{}' ? '' : oneLine(json);
}

const eventColumns = view`TIME: ${time} | EVENT: event_type | BY: ${actor} | DETAIL: ${detail}`;

/** The timeline of a job. */
export function describeHistory(body: Item): string {
  return table(eventColumns, list(body, 'events').filter(isObject));
}

/** With ~ if the server does not know the exact time. */
function time(event: Item): string {
  return `${part(event, 'metadata').reconstructed === true ? '~' : ''}${text(event, 'timestamp')}`;
}

function actor(event: Item): string {
  const by = part(event, 'actor');
  return `${text(by, 'type')} ${text(by, 'id')}`.trimEnd();
}

function detail(event: Item): string {
  const data = part(event, 'data');
  const named = (name: string, words: (value: string) => string) => {
    const value = text(data, name);
    return value === '' ? [] : [words(value)];
  };
  const error = [text(data, 'error_type'), text(data, 'error') || text(data, 'last_error')];
  return [
    ...named('from', (from) => `${from} to ${text(data, 'to')}`),
    ...named('attempt', (attempt) => `attempt ${attempt}`),
    ...named('duration_ms', () => `ran ${count(data, 'duration_ms')} ms`),
    ...named('reason', (reason) => reason),
    error.filter((part) => part !== '').join(': '),
  ]
    .filter((part) => part !== '')
    .join(', ');
}
