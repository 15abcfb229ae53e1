import { spawn } from 'node:child_process';

const openers: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  // `start` takes its first quoted argument for a title.
  win32: ['cmd', '/c', 'start', '""'],
};

/** Opens the page in the user's browser. If there is none, `say` gets a line about it. */
export function openBrowser(url: string, say: (line: string) => void): void {
  const [program, ...args] = openers[process.platform] ?? ['xdg-open'];
  const failed = (why: string) => say(`No browser was opened (${program}: ${why}). Open ${url} yourself.`);
  const opener = spawn(program, [...args, url], { stdio: 'ignore', detached: true });
  opener.on('error', ({ message }) => failed(message));
  opener.on('exit', (code) => {
    if (code !== 0 && code !== null) failed(`exit code ${code}`);
  });
  opener.unref();
}
