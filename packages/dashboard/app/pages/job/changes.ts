import type { Job } from './job.ts';

/** The texts of the form. JSON is sent unchanged. */
export interface Fields {
  readonly args: string;
  readonly meta: string;
  readonly queue: string;
  readonly priority: string;
  readonly tags: string;
  /** A time, an age such as `+PT10M`, or `now`. */
  readonly start: string;
  /** In milliseconds. */
  readonly timeout: string;
  readonly maxAttempts: string;
}

/** @param start when it may start, as far as the form keeps that. */
export function fieldsOf(job: Job, args: string, meta: string, start: string): Fields {
  return {
    args,
    meta,
    queue: job.queue,
    priority: String(job.priority),
    tags: (job.tags ?? []).join(', '),
    start,
    timeout: job.timeout_ms === undefined ? '' : String(job.timeout_ms),
    maxAttempts: String(job.max_attempts),
  };
}

/**
 * The fields that an edit of a waiting job may change, in the order of a form. A new job may also go to another queue.
 */
export const editFields = ['args', 'meta', 'priority', 'start', 'tags', 'timeout', 'maxAttempts'] as const;
export const rerunFields = ['args', 'meta', 'queue', 'priority', 'start', 'tags', 'timeout', 'maxAttempts'] as const;

/** For many jobs: what stays empty, each job keeps. */
export const emptyFields: Fields = {
  args: '',
  meta: '',
  queue: '',
  priority: '',
  tags: '',
  start: '',
  timeout: '',
  maxAttempts: '',
};

/** The members of a request: only what differs from before. */
export function changedMembers(before: Fields, after: Fields): readonly (readonly [name: string, text: string])[] {
  const writers: Readonly<Record<keyof Fields, (text: string) => readonly [string, string]>> = {
    args: (text) => ['args', text],
    meta: (text) => ['meta', text],
    queue: (text) => ['queue', JSON.stringify(text)],
    priority: (text) => ['priority', numberOr(text)],
    tags: (text) => ['tags', JSON.stringify(tagsOf(text))],
    start: (text) => ['scheduled_at', JSON.stringify(text)],
    timeout: (text) => ['timeout_ms', numberOr(text)],
    maxAttempts: (text) => ['retry', `{"max_attempts":${numberOr(text)}}`],
  };
  return rerunFields.flatMap((name) => {
    const text = after[name].trim();
    return before[name].trim() === text ? [] : [writers[name](text)];
  });
}

export function bodyOf(members: readonly (readonly [string, string])[]): string {
  return `{${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
}

/** The server refuses the edit if the job is no longer the one that was read. */
export function unchanged({ state, attempt, priority }: Job): readonly [string, string] {
  return ['if_match', JSON.stringify({ state, attempt, priority })];
}

/** Text that is no number goes as a string, for the server to say what it expects. */
function numberOr(text: string): string {
  return /^-?\d+$/.test(text) ? String(Number(text)) : JSON.stringify(text);
}

function tagsOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
}
