import type { Json } from '@ojs-ts/core/job';
import { oneLine } from './plain.ts';

export interface FormatFlags {
  readonly json?: true;
  readonly ndjson?: true;
}

/** Prints items as the flags say; without one as `shown` makes it of them. */
export function printItems(
  items: readonly Json[],
  { json, ndjson }: FormatFlags,
  shown: (items: readonly Json[]) => string,
): void {
  if (json) console.log(`[${items.map(oneLine).join(',\n')}]`);
  else if (ndjson) for (const item of items) console.log(oneLine(item));
  else console.log(shown(items));
}

/** Prints an answer as it is with `--json`, else as `shown` makes it of it. */
export function printAnswer(text: Json, { json }: FormatFlags, shown: (text: Json) => string): void {
  console.log(json ? oneLine(text) : shown(text));
}
