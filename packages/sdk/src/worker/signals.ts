import { platform } from '#platform';
import type { ProcessSignal } from '../platform/platform.ts';

export interface SignalTarget {
  terminate(): void;
  quiet(): void;
  resume(): void;
}

const targets = new Set<SignalTarget>();
let uninstall = () => {};
let ending = false;

/**
 * The signals of the process control all of its workers (ojs-worker-protocol §7): SIGTERM and SIGINT drain them all, a
 * second one ends the process, SIGTSTP makes them quiet, SIGCONT resumes them. The handlers are the process's only
 * while there is a worker.
 */
export function followSignals(target: SignalTarget): () => void {
  if (targets.size === 0) uninstall = platform.process?.onSignals(receive) ?? (() => {});
  targets.add(target);
  return () => {
    if (!targets.delete(target) || targets.size > 0) return;
    uninstall();
    ending = false;
  };
}

function receive(signal: ProcessSignal): void {
  if (signal === 'SIGTSTP') for (const target of targets) target.quiet();
  else if (signal === 'SIGCONT') for (const target of targets) target.resume();
  else if (ending) platform.process?.exit(signal === 'SIGINT' ? 130 : 143);
  else {
    ending = true;
    for (const target of targets) target.terminate();
  }
}
