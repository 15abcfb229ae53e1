import type { Answer, Call } from '@ojs-ts/core';
import type { Command } from 'commander';
import { Failure } from '../connection/failure.ts';
import type { Server } from '../connection/server.ts';

export interface CreateFlags {
  readonly create?: true;
}

/** @param what is created: `the queue` */
export function takesCreate(command: Command, what: string): Command {
  return command.option('--create', `create ${what} if it does not exist yet`);
}

/** Asks for a change of what exists. A server creates what is missing, and a misspelled name would create nonsense. */
export async function askForChange(server: Server, call: Call, { create }: CreateFlags): Promise<Answer> {
  if (create) return server.ask(call);
  try {
    return await server.ask({ ...call, query: { create: 'false' } });
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'missing') throw error;
    throw new Failure('missing', `${error.message} --create creates it.`);
  }
}
