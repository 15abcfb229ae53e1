import type { QueueOverview } from '@ojs-ts/core/schemas';
import { formatCount, formatShort } from '../../format/numbers.ts';
import { formatDuration } from '../../format/times.ts';

export interface Draft {
  readonly concurrency: string;
  readonly rate: string;
  readonly period: string;
  readonly depth: string;
}

/** The effect of other limits on the queue in its current state. */
export function Effect({ queue, draft }: { readonly queue: QueueOverview; readonly draft: Draft }) {
  const { counts, duration_ms, throughput } = queue;
  const slots = Number(draft.concurrency) || null;
  const perMinute = perMinuteOf(draft);
  const run = duration_ms.p50;
  const bySlots = slots === null || run === null || run === 0 ? null : (slots * 60_000) / run;
  const most = Math.min(bySlots ?? Number.POSITIVE_INFINITY, perMinute ?? Number.POSITIVE_INFINITY);
  const lines: string[] = [];
  if (slots !== null && counts.active > slots)
    lines.push(`${formatCount(counts.active)} jobs run now. They all finish; until then no other starts.`);
  if (Number.isFinite(most)) {
    lines.push(
      `At most about ${formatShort(most)} jobs a minute; ` +
        `the last hour had ${formatShort(throughput.processed_per_minute)}.`,
    );
    if (counts.available > 0 && most > 0)
      lines.push(
        `The ${formatCount(counts.available)} waiting jobs would take about ` +
          `${formatDuration((counts.available / most) * 60_000)}.`,
      );
  }
  if (slots !== null && bySlots === null && counts.available > 0)
    lines.push(
      `At most ${formatCount(Math.min(slots, counts.available))} of the ${formatCount(counts.available)} waiting ` +
        'jobs would run at once.',
    );
  if (draft.rate !== '' && perMinute === null) lines.push('The rate applies when it has a number and a period.');
  const depth = Number(draft.depth) || null;
  if (depth !== null && counts.available > depth)
    lines.push(`${formatCount(counts.available)} jobs wait already, so new ones would be refused at once.`);
  if (lines.length === 0) return <p className="soft">Nothing would change for the jobs that wait now.</p>;
  return (
    <ul className="soft plain" aria-label="Effect">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}

const units: Readonly<Record<string, number>> = { S: 1_000, M: 60_000, H: 3_600_000 };
const named: Readonly<Record<string, string>> = { second: 'PT1S', minute: 'PT1M', hour: 'PT1H', day: 'PT24H' };

/** A period as people write it, where it has a word: `PT1M` is a minute. */
export function wordOf(period: string): string {
  return Object.entries(named).find(([, iso]) => iso === period)?.[0] ?? period;
}

function perMinuteOf({ rate, period }: Draft): number | null {
  const [, count, unit] = /^PT(\d+)([SMH])$/.exec(named[period] ?? period) ?? [];
  const ms = Number(count) * (units[unit ?? ''] ?? Number.NaN);
  const limit = Number(rate);
  return rate === '' || !(ms > 0) || !(limit > 0) ? null : (limit * 60_000) / ms;
}
