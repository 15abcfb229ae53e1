export interface Toast {
  readonly id: number;
  readonly kind: 'done' | 'failed';
  readonly text: string;
  /** Offered beside the text: an undo. */
  readonly action?: { readonly label: string; readonly run: () => void };
}

/** In milliseconds. Failures stay until they are dismissed. */
const shownMs = 6_000;

let toasts: readonly Toast[] = [];
let lastId = 0;
const watchers = new Set<() => void>();

function change(next: readonly Toast[]): void {
  toasts = next;
  for (const watcher of watchers) watcher();
}

export function showToast(toast: Omit<Toast, 'id'>): void {
  const id = ++lastId;
  change([...toasts.slice(-3), { ...toast, id }]);
  if (toast.kind === 'done') setTimeout(() => dismissToast(id), toast.action === undefined ? shownMs : 2 * shownMs);
}

export function dismissToast(id: number): void {
  change(toasts.filter((one) => one.id !== id));
}

export function subscribeToasts(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

export function currentToasts(): readonly Toast[] {
  return toasts;
}
