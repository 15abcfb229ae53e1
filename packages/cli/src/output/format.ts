import type { Json } from '@ojs-ts/core/job';
import { type Command, Option } from 'commander';
import { oneLine } from './plain.ts';

export interface FormatFlags {
  readonly json?: true;
  readonly ndjson?: true;
}

/** Adds the options for programs that read a list. */
export function takesFormat(command: Command): Command {
  return takesJson(command).addOption(new Option('--ndjson', 'each item as one line of JSON').conflicts('json'));
}

/** Adds the option for programs that read one answer. */
export function takesJson(command: Command): Command {
  return command.option('--json', 'one JSON document, numbers as the server has them');
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
