import { storeOf } from '../store.ts';

export interface Toast {
  readonly id: number;
  readonly kind: 'done' | 'failed';
  readonly text: string;
  /** Offered beside the text: an undo. */
  readonly action?: { readonly label: string; readonly run: () => void };
}

/** In milliseconds. Failures stay until they are dismissed. */
const shownMs = 6_000;

export const toasts = storeOf<readonly Toast[]>([]);
let lastId = 0;

export function showToast(toast: Omit<Toast, 'id'>): void {
  const id = ++lastId;
  toasts.set([...toasts.get().slice(-3), { ...toast, id }]);
  if (toast.kind === 'done') setTimeout(() => dismissToast(id), toast.action === undefined ? shownMs : 2 * shownMs);
}

export function dismissToast(id: number): void {
  toasts.set(toasts.get().filter((one) => one.id !== id));
}
