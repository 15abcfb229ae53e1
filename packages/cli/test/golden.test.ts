import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { program } from '../src/program.ts';
import { endless, scenesOf } from './golden/scenes.ts';
import { expectGolden, fileOf, leaves } from './support/golden.ts';

test('the help as a terminal of 80 columns shows it', () => {
  const rerun = leaves().find(({ name }) => name === 'jobs rerun');
  expectGolden('help/ojs', [program(), rerun?.command].map((command) => command?.helpInformation()).join('\n'));
});

test('the help of every command', () => {
  const root = program();
  const seen = new Set<string>();
  const texts = new Map<string, string[]>();
  const add = (file: string, command: Command) =>
    texts.set(file, [...(texts.get(file) ?? []), shortened(command.configureHelp({ helpWidth: 500 }), seen)]);
  for (const group of root.commands.filter(({ commands }) => commands.length > 0)) add(fileOf(group), group);
  for (const { file, command } of leaves()) add(file, command);
  for (const [file, found] of texts) expectGolden(`help/${file}`, found.join(''));
});

/** The help, where a section is the list of its terms, and then the lines that no help before has. */
function shortened(command: Command, seen: Set<string>): string {
  const [usage, text, ...sections] = command.helpInformation().trim().split('\n\n');
  const shown = sections.map((section) => {
    const [heading, ...lines] = section.split('\n');
    const terms = lines.map((line) => line.trim().split(/ {2,}/, 2));
    const names = terms.map(([term = '']) => term.match(/--[\w-]+|^\w[\w-]*/)?.[0]);
    const unseen = terms.flatMap((term) => {
      const line = term.join('  ');
      return seen.has(line) ? [] : [seen.add(line) && `\n    ${line}`];
    });
    return `  ${heading} ${names.join(' ')}${unseen.join('')}\n`;
  });
  return `${usage}\n  ${text}\n${shown.join('')}`;
}

test('every command has a scene, whose output golden.long.ts compares', () => {
  const names = {
    home: '',
    storage: '',
    waiting: '',
    wanted: '',
    failed: '',
    done: '',
    chain: '',
    batch: '',
    dead: '',
    entry: '',
    bulk: '',
    slow: '',
  };
  const known = new Set([...scenesOf(names).keys(), ...endless]);
  const missing = leaves().flatMap(({ name }) => (known.has(name) ? [] : [name]));
  expect(missing, 'Add calls of these commands to packages/cli/test/golden/scenes.ts').toEqual([]);
  const all = new Set(leaves().map(({ name }) => name));
  expect([...known].filter((name) => !all.has(name))).toEqual([]);
});

test('the docs name every command and option', () => {
  const page = (name: string) => readFileSync(new URL(`../../../docs/reference/${name}.md`, import.meta.url), 'utf8');
  const [commands, server] = [page('cli'), page('server')];
  const missing = leaves().flatMap(({ name, command }) => {
    const text = name === 'serve' ? server : commands;
    const words = [command.name(), ...command.options.flatMap(({ long }) => long ?? [])];
    return words.flatMap((word) => (new RegExp(`(?<![\\w-])${word}(?![\\w-])`).test(text) ? [] : [`${name} ${word}`]));
  });
  expect(missing).toEqual([]);
});
