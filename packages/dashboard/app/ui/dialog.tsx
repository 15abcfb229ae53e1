import { type ReactNode, type RefObject, useId, useLayoutEffect, useRef } from 'react';

export interface DialogProps {
  readonly title: string;
  readonly size?: 'default' | 'wide' | undefined;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** Shown while it is rendered. The browser keeps the focus inside, and Escape closes it. */
export function Dialog({ title, size, onClose, children }: DialogProps) {
  const dialog = useModal();
  const heading = useId();
  return (
    <dialog
      ref={dialog}
      data-size={size}
      aria-labelledby={heading}
      onCancel={(event) => {
        // React lets the event of a dialog inside this one bubble.
        if (event.target !== event.currentTarget) return;
        event.preventDefault();
        onClose();
      }}
    >
      <div className="dialog-body">
        <h2 id={heading}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

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
