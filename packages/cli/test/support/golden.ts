import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { expect } from 'vitest';
import { program } from '../../src/program.ts';

const isWriting = process.env.GOLDEN === 'write';

/** How to write the files anew, for messages. */
export const howToWrite = 'GOLDEN=write npx vitest run packages/cli/test/golden';

/** Compares with a file beside the tests; with `GOLDEN=write` writes the file. */
export function expectGolden(name: string, text: string): void {
  const file = new URL(`../golden/${name}.txt`, import.meta.url);
  if (isWriting) {
    mkdirSync(dirname(file.pathname), { recursive: true });
    writeFileSync(file, text);
  }
  let kept: string;
  try {
    kept = readFileSync(file, 'utf8');
  } catch {
    throw new Error(
      `packages/cli/test/golden/${name}.txt is missing. Write it, and read it as a new user would: ${howToWrite}`,
    );
  }
  expect(text, `Where the change is meant: ${howToWrite}`).toBe(kept);
}

/** A command that does something, by its full name without `ojs`: `jobs list`. */
export interface Leaf {
  readonly name: string;
  readonly command: Command;
  /** The file of its golden output: the heading of its group in the help, such as `work`. */
  readonly file: string;
}

/** Every command that a user sees. */
export function leaves(): readonly Leaf[] {
  const root = program();
  const visible = root.createHelp();
  const under = (command: Command, path: readonly string[], file: string): readonly Leaf[] =>
    command.commands.length === 0
      ? [{ name: path.join(' '), command, file }]
      : visible.visibleCommands(command).flatMap((one) => under(one, [...path, one.name()], file));
  return visible.visibleCommands(root).flatMap((one) => under(one, [one.name()], fileOf(one)));
}

/** `Work:` is `work`. */
function fileOf(command: Command): string {
  return (command.helpGroup() ?? '').replace(':', '').toLowerCase();
}

/** What differs from run to run, replaced by texts of the same width, so that columns can be judged. */
export class Mask {
  readonly #ids = new Map<string, string>();

  over(output: string): string {
    return (
      this.line(output)
        .replaceAll('\r\n', '\n')
        .replaceAll('\u001b', '␛')
        .replaceAll(/ojs_([0-9a-f]{8,})_[\w-]+/g, 'ojs_ID_SECRET')
        .replaceAll(
          /\b20[12]\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z/g,
          (at) => `${'2026-01-31T09:00:00.000Z'.slice(0, at.length - 1)}Z`,
        )
        .replaceAll(/\((in )?\d+[smhd]\)/g, '($10s)')
        // Within a line of words, and at the right of a column.
        .replaceAll(/(?<=\S )(?<!starts in )\d{1,2}[sm]\b/g, '0s')
        .replaceAll(/(?<=^| )\d\d[sm]\b/gm, ' 0s')
        .replaceAll(/(?<!starts in )\b\d[sm]\b/g, '0s')
        .replaceAll(/\b(p\d\d|ran) [\d,]+ ms\b/g, '$1 0 ms')
        .replaceAll(/\b[\d,]+ ms\b/g, (time) => '0 ms'.padStart(time.length))
        .replaceAll(/\bin \d{3,}d\b/g, (age) => age.replaceAll(/\d/g, '0'))
        // A backup has a record for each minute of the statistics.
        .replaceAll(/\b\d+ records\b/g, '400 records')
        .replaceAll(/\b[0-9a-f]{16}\b/g, '0123456789abcdef')
        .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:00000')
    );
  }

  /** The same for what was typed, where only ids and the directory differ. */
  line(text: string): string {
    return text
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g, (id) => this.#number(id))
      .replaceAll(/\/[^\s:]*\/ojs-cli-\w+/g, '/home/ada')
      .replaceAll(/\b20[12]\d-\d\d-\d\dT00:00:00Z/g, '2026-01-31T00:00:00Z');
  }

  /** Ids have numbers in the order in which they are seen. */
  #number(id: string): string {
    const known = this.#ids.get(id);
    if (known !== undefined) return known;
    const shown = `00000000-0000-7000-8000-${String(this.#ids.size + 1).padStart(12, '0')}`;
    this.#ids.set(id, shown);
    return shown;
  }
}
