import type { SearchTexts } from '../../search.ts';
import { storeOf } from '../../store.ts';
import type { Kind } from './examples.ts';

/** The target that is followed, and the place in the log of events to start from. */
export interface Target {
  readonly kind: Kind;
  readonly id: string;
  /** Null: from now on. */
  readonly after: string | null;
}

export interface Sent extends Target {
  /** The type of a job, the name of a workflow or cron. */
  readonly name: string;
}

const kinds: readonly Kind[] = ['job', 'workflow', 'cron'];

export function isKind(text: string | undefined): text is Kind {
  return kinds.some((kind) => kind === text);
}

/** `follow=job:ID&after=PLACE` */
export function targetOf({ follow = '', after }: SearchTexts): Target | null {
  const [, kind, id = ''] = /^(\w+):(.+)$/s.exec(follow) ?? [];
  return isKind(kind) ? { kind, id, after: after ?? null } : null;
}

export function searchOf({ kind, id, after }: Target): SearchTexts {
  return { follow: `${kind}:${id}`, after: after ?? undefined };
}

export function isSame(first: Target | null, second: Target | null): boolean {
  return first?.kind === second?.kind && first?.id === second?.id;
}

const most = 8;
/** The things that were sent from this page, the newest first. The list stays while other pages are open. */
export const sent = storeOf<readonly Sent[]>([]);

export function addSent(one: Sent): void {
  removeSent(one);
  sent.set([one, ...sent.get()].slice(0, most));
}

export function removeSent(one: Target): void {
  sent.set(sent.get().filter((other) => !isSame(one, other)));
}
