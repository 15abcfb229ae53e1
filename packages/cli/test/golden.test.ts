import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { program } from '../src/program.ts';
import { endless, scenesOf } from './golden/scenes.ts';
import { expectGolden, fileOf, leaves } from './support/golden.ts';

test('the help of every command', () => {
  const root = program();
  expectGolden('help/ojs', root.helpInformation());
  const texts = new Map<string, string[]>();
  const add = (file: string, text: string) => texts.set(file, [...(texts.get(file) ?? []), text]);
  for (const group of root.commands.filter(({ commands }) => commands.length > 0))
    add(fileOf(group), group.helpInformation());
  for (const { file, command } of leaves()) add(file, command.helpInformation());
  for (const [file, found] of texts) expectGolden(`help/${file}`, found.join('\n'));
});

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
  const page = (name: string) => readFileSync(new URL(`../../../docs/${name}.md`, import.meta.url), 'utf8');
  const [commands, server] = [page('cli'), page('server')];
  const missing = leaves().flatMap(({ name, command }) => {
    const text = name === 'serve' ? server : commands;
    const words = [command.name(), ...command.options.flatMap(({ long }) => long ?? [])];
    return words.flatMap((word) => (new RegExp(`(?<![\\w-])${word}(?![\\w-])`).test(text) ? [] : [`${name} ${word}`]));
  });
  expect(missing).toEqual([]);
});
