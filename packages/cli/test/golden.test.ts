import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { exampleOf } from '../src/commands/examples.ts';
import { program } from '../src/program.ts';
import { endless, scenesOf } from './golden/scenes.ts';
import { expectGolden, leaves } from './support/golden.ts';

test('the help as a terminal of 80 columns shows it', () => {
  const rerun = leaves().find(({ name }) => name === 'jobs rerun');
  expectGolden('help/ojs', [program(), rerun?.command].map((command) => command?.helpInformation()).join('\n'));
});

test('the arguments and options of every command', () => {
  const root = program();
  const groups = root.commands.filter(({ commands }) => commands.length > 0);
  const shown = [...groups, ...leaves().map(({ command }) => command)].map((command) => {
    const [usage, , ...sections] = command.helpInformation().trim().split('\n\n');
    const terms = sections.map((section) =>
      section
        .replace(/^.*/, '')
        .match(/(?<=\n {2})(?! ).*?(?= {2}|\n|$)/g)
        ?.join(' '),
    );
    return `${usage} ${terms.join(' ')}\n`;
  });
  expectGolden('help/commands', shown.join(''));
});

test('every command has an example, whose options exist', () => {
  for (const { name, command } of leaves()) {
    const example = exampleOf(command) ?? '';
    expect(example, name).toContain(`ojs ${name}`);
    const known = command.options.map(({ long }) => long);
    for (const option of command.options) if (option.mandatory) expect(example, name).toContain(option.long);
    for (const [flag] of example.matchAll(/--[\w-]+/g)) expect(known, example).toContain(flag);
  }
});

test('no line of any help is longer than 100 columns, however wide the terminal is', () => {
  for (const { name, command } of leaves()) {
    let text = '';
    command.configureOutput({
      getOutHelpWidth: () => 240,
      writeOut: (part) => {
        text += part;
      },
    });
    command.outputHelp();
    expect(text, name).toContain('Example:');
    for (const line of text.split('\n')) expect(line.length, `${name}: ${line}`).toBeLessThanOrEqual(100);
  }
});

test('every command has a scene, whose output golden.long.ts compares', () => {
  const names = {
    home: '',
    storage: '',
    waiting: '',
    asleep: '',
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
  const docs = new URL('../../../docs/', import.meta.url);
  const page = (name: string) => readFileSync(new URL(name, docs), 'utf8');
  const server = page('reference/server.md');
  // ojs dev and ojs init have guides.
  const all = globSync('{start,guides,reference}/*.md', { cwd: docs }).map(page).join('\n');
  const commands = page('reference/cli.md');
  const missing = leaves().flatMap(({ name, command }) => {
    const text = { serve: server, dev: all, init: all }[name] ?? commands;
    const words = [command.name(), ...command.options.flatMap(({ long }) => long ?? [])];
    return words.flatMap((word) => (new RegExp(`(?<![\\w-])${word}(?![\\w-])`).test(text) ? [] : [`${name} ${word}`]));
  });
  expect(missing).toEqual([]);
});
