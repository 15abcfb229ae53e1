import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { plainEnvironment } from '../child.ts';
import type { Progress, Role } from './load.ts';

const entry = fileURLToPath(new URL('./load.ts', import.meta.url));

export interface Load extends AsyncDisposable {
  progress(): Promise<Progress>;
}

/** A producer or a worker in a process of its own; disposing it lets it finish what it has begun. */
export async function startLoad(role: Role): Promise<Load> {
  const child = fork(entry, { env: plainEnvironment(), stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const exited = once(child, 'exit');
  const failed = exited.then(() => {
    throw new Error(`a ${role.kind} ended before it was ready`);
  });
  await Promise.race([once(child, 'message'), failed]);
  failed.catch(() => {});
  child.send(role);
  return {
    progress: () => ask<Progress>(child, 'progress'),
    async [Symbol.asyncDispose]() {
      if (child.connected) child.send('stop');
      await exited;
      process.off('exit', kill);
    },
  };
}

/** The next message of a process that answers one question at a time. @throws Error where it ends instead. */
export async function ask<Answer>(child: ChildProcess, question: string): Promise<Answer> {
  const over = new AbortController();
  const ended = once(child, 'exit', { signal: over.signal }).then(() => {
    throw new Error(`a process ended before it answered '${question}'`);
  });
  ended.catch(() => {});
  const answered = once(child, 'message', { signal: over.signal });
  answered.catch(() => {});
  child.send(question);
  try {
    const [answer] = await Promise.race([answered, ended]);
    return answer;
  } finally {
    over.abort();
  }
}
