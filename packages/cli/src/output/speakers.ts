import { styleText } from 'node:util';
import { isObject } from '@ojs-ts/core';
import { type Item, part } from './cells.ts';
import { plain } from './plain.ts';

const speakers = { ojs: 'green', server: 'cyan', worker: 'magenta' } as const;
const width = Math.max(...Object.keys(speakers).map(({ length }) => length));

/** Prints a line, or several, of the server, of the worker or of the command itself. */
export function say(speaker: keyof typeof speakers, words: string): void {
  const prefix = styleText(speakers[speaker], `${speaker.padEnd(width)} │`);
  for (const line of words.split('\n')) console.log(`${prefix} ${line}`.trimEnd());
}

/** Prints the log of a server for people, except the lines that `isSaid` takes: the command says those itself. */
export function readableLog(isSaid: (record: Item) => boolean): { write(line: string): void } {
  return {
    write(line) {
      const record: unknown = JSON.parse(line);
      if (isObject(record) && !isSaid(record)) say('server', serverWords(record));
    },
  };
}

const colours: Readonly<Record<string, 'yellow' | 'red'>> = { WARN: 'yellow', ERROR: 'red', FATAL: 'red' };

/** A line of the server's log, for people: its message, its fields and its error. */
function serverWords(record: Item): string {
  const fields = Object.entries({ ...part(record, 'ojs'), ...part(record, 'attributes') });
  const error = part(record, 'error');
  const words = [
    record.message,
    ...fields.map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`),
    ...(typeof error.message === 'string' ? [`error=${JSON.stringify(error.message)}`] : []),
  ].join(' ');
  const colour = colours[String(record.severity)];
  const shown = plain(words);
  return colour === undefined ? shown : styleText(colour, shown);
}
