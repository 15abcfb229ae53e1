import { keep, keptValue } from '../../kept.ts';

const key = 'ojs-job-queries';
const most = 20;

/** The last queries, the newest first. */
export function lastQueries(): readonly string[] {
  const kept = keptValue(key);
  return Array.isArray(kept) ? kept.filter((one) => typeof one === 'string') : [];
}

export function rememberQuery(q: string): void {
  const text = q.trim();
  if (text === '') return;
  keep(key, [text, ...lastQueries().filter((one) => one !== text)].slice(0, most));
}
