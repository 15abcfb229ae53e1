import { Preview } from '../crons/preview.tsx';

/** The next runs of the cron in the text, calculated by the server. */
export function CronPreview({ text }: { readonly text: string }) {
  const cron = readCron(text);
  const expression = textOf(cron.cron) || textOf(cron.expression) || textOf(cron.schedule);
  if (expression === '') return null;
  const timezone = textOf(cron.timezone) || 'UTC';
  return (
    <section className="stack" aria-label={`Next runs (${timezone})`}>
      <h3>Next runs ({timezone})</h3>
      <Preview expression={expression} timezone={timezone} />
    </section>
  );
}

function readCron(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    // It is being written.
    return {};
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.trim() : '';
}
