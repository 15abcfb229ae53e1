import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { didYouMean } from '@ojs-ts/core';
import { Command, InvalidArgumentError } from 'commander';
import { Failure } from '../../connection/failure.ts';
import { plain } from '../../output/plain.ts';
import { fullName, reporting } from '../command.ts';
import { contentOf, writeProject } from './project.ts';
import { isTemplateName, type TemplateName, templates } from './template.ts';

interface InitFlags {
  readonly template?: TemplateName;
  readonly force?: true;
  readonly install?: true;
}

interface Wanted {
  readonly folder: string;
  readonly template: TemplateName;
}

const defaults: Wanted = { folder: 'ojs-app', template: 'plain' };
const known = Object.keys(templates);

/** `ojs init`, which `npm create ojs-ts` runs too. */
export function initCommand(): Command {
  return new Command('init')
    .description('write a new project: typed jobs, a worker, a test, files for containers')
    .argument('[folder]', `folder of the project (default: ${defaults.folder})`)
    .option('--template <name>', `${known.join(', ')} (default: ${defaults.template})`, templateNamed)
    .option('--force', 'write into a folder that is not empty, and overwrite files')
    .option('--install', 'run npm install in the folder')
    .action(async function (folder: string | undefined, flags: InitFlags) {
      await reporting(fullName(this), () => init(folder, flags));
    });
}

function templateNamed(text: string): TemplateName {
  if (isTemplateName(text)) return text;
  throw new InvalidArgumentError(`Expected one of ${known.join(', ')}.${didYouMean(text, known)}`);
}

async function init(given: string | undefined, flags: InitFlags): Promise<void> {
  if (given === '') throw new Failure('usage', 'Expected a folder, got an empty text.');
  const { folder, template } = await wanted(given, flags.template);
  const content = await contentOf(folder);
  if (content.length > 0 && !flags.force) throw new Failure('usage', notEmpty(folder, content));
  const count = await writeProject(folder, template);
  console.log(`Wrote ${count} files of the template ${template} to ${plain(folder)}.`);
  if (flags.install) await install(folder);
  const steps = [
    ...(folder === '.' ? [] : [`cd ${shellWord(folder)}`]),
    ...(flags.install ? [] : ['npm install']),
    'npm run dev',
  ];
  console.log(`\nNext:\n${steps.map((step) => `  ${step}`).join('\n')}`);
}

/** Returns the given values; asks for the others if a person can answer. */
async function wanted(folder: string | undefined, template: TemplateName | undefined): Promise<Wanted> {
  const isAsked = process.stdin.isTTY && process.stdout.isTTY;
  return {
    folder: folder ?? (isAsked ? await askedFolder() : defaults.folder),
    template: template ?? (isAsked ? await askedTemplate() : defaults.template),
  };
}

async function askedFolder(): Promise<string> {
  const { text } = await import('@clack/prompts');
  const { folder } = defaults;
  return answered(await text({ message: 'In which folder?', placeholder: folder, defaultValue: folder }));
}

async function askedTemplate(): Promise<TemplateName> {
  const { select } = await import('@clack/prompts');
  const options = Object.entries(templates).map(([value, hint]) => ({ value, hint }));
  const answer = answered(await select({ message: 'Which template?', options, initialValue: defaults.template }));
  return templateNamed(answer);
}

/** @throws Failure if the user pressed Ctrl+C: the prompt then returns a symbol. */
function answered(answer: string | symbol): string {
  if (typeof answer === 'string') return answer;
  throw new Failure('interrupted', 'Nothing was written.');
}

/** The first names are enough to recognize the folder. */
const shownNames = 5;

function notEmpty(folder: string, content: readonly string[]): string {
  const more = content.length > shownNames ? ` and ${content.length - shownNames} more` : '';
  const names = `${content.slice(0, shownNames).join(', ')}${more}`;
  return `${folder} is not empty: it has ${names}. Name another folder, or overwrite files with --force.`;
}

async function install(folder: string): Promise<void> {
  // On Windows npm is a shell script.
  const npm = spawn('npm', ['install'], { cwd: folder, stdio: 'inherit', shell: process.platform === 'win32' });
  const [code] = await once(npm, 'close');
  if (code !== 0) throw new Failure('failed', `npm install failed in ${folder}. The files of the project are written.`);
}

/** A folder as one word of a shell. */
function shellWord(folder: string): string {
  return /^[\w./~@+:-]+$/.test(folder) ? folder : `'${folder.replaceAll("'", "'\\''")}'`;
}
