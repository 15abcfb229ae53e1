import { type RefObject, useLayoutEffect, useRef } from 'react';

/**
 * Shows a dialog over the page while it is rendered, with the focus inside. Afterwards the focus is back on what opened
 * it, or on the page where that is gone.
 */
export function useModal(): RefObject<HTMLDialogElement | null> {
  const dialog = useRef<HTMLDialogElement>(null);
  // A layout effect ends while the dialog is still in the page: one that was taken away gives no focus back.
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => {
      element?.close();
      if (document.activeElement === document.body) document.getElementById('main')?.focus({ preventScroll: true });
    };
  }, []);
  return dialog;
}
