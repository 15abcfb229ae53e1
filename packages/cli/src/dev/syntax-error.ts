import { spawnSync } from 'node:child_process';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A line of esbuild, which `tsx` uses. */
const ofEsbuild = /^(.+:\d+):\d+: ERROR: (.+)$/gm;
/** The output of Node: the place, the source and the message. */
const ofNode = /^(.+:\d+)\n[\s\S]*?^SyntaxError(?: \[\w+\])?: (.+)$/m;

/** The stack of an error that Node found in a module and not in what the module parses. */
const unplaced = /^SyntaxError: .+\n +at \S+ \(node:internal\/modules\//;

/** One line for each syntax error in a file, `FILE:LINE: SyntaxError: …`; none for an error of another kind. */
export function syntaxErrors(error: unknown, files: Iterable<string>): readonly string[] {
  if (!(error instanceof Error)) return [];
  if (error.name === 'TransformError')
    return [...error.message.matchAll(ofEsbuild)].map(([, place = '', message = '']) => lineOf(place, message));
  if (!(error instanceof SyntaxError)) return [];
  const stack = error.stack ?? '';
  const [found, place = '', message = ''] = ofNode.exec(unplaced.test(stack) ? printed(files) : stack) ?? [];
  return found === undefined ? [] : [lineOf(place, message)];
}

/** For a module in JavaScript, Node has the place only in the error that it prints. The last file was being loaded. */
function printed(files: Iterable<string>): string {
  for (const file of [...files].reverse()) {
    const { status, stderr } = spawnSync(process.execPath, ['--check', fileURLToPath(file)], { encoding: 'utf8' });
    if (status !== 0) return stderr;
  }
  return '';
}

function lineOf(place: string, message: string): string {
  const [, path = '', line = ''] = /^(.+):(\d+)$/.exec(place) ?? [];
  const file = path.startsWith('file:') ? fileURLToPath(path) : path;
  return `${relative(process.cwd(), file)}:${line}: SyntaxError: ${message}`;
}
