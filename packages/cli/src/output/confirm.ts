import { Failure } from '../connection/failure.ts';

export interface ConfirmFlags {
  readonly yes?: true;
}

/**
 * Asks before something that cannot be taken back. @throws Failure if the user says no, and if there is no terminal to
 * ask at.
 */
export async function confirmed(question: string, { yes }: ConfirmFlags): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new Failure('usage', `${question} Not a terminal: pass --yes to confirm. Nothing was changed.`);
  const { confirm, isCancel } = await import('@clack/prompts');
  const answer = await confirm({ message: question, initialValue: false });
  if (isCancel(answer)) throw new Failure('interrupted', 'Nothing was changed.');
  if (!answer) throw new Failure('failed', 'Nothing was changed.');
}
