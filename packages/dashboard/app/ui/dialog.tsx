import { type ComponentProps, type ReactNode, type RefObject, useId, useLayoutEffect, useRef, useState } from 'react';
import { Button } from './button.tsx';

export interface DialogProps {
  readonly title: string;
  readonly size?: 'default' | 'wide' | undefined;
  readonly onClose: () => void;
  /** The buttons at its end; a form has its own. */
  readonly foot?: ReactNode;
  readonly children: ReactNode;
}

/** Shown while it is rendered. The browser keeps the focus inside, and Escape closes it. */
export function Dialog({ title, size, onClose, foot, children }: DialogProps) {
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
        {foot && <div className="dialog-foot">{foot}</div>}
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

export interface OpenerProps extends Omit<ComponentProps<typeof Button>, 'children' | 'onClick'> {
  /** On the button. */
  readonly text: string;
  /** False leaves the button out; an open dialog stays. */
  readonly shown?: boolean;
  /** The dialog. */
  readonly children: (close: () => void) => ReactNode;
}

/** A button that opens a dialog. */
export function Opener({ text, shown = true, children, ...look }: OpenerProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      {shown && (
        <Button {...look} onClick={() => setOpen(true)}>
          {text}
        </Button>
      )}
      {isOpen && children(() => setOpen(false))}
    </>
  );
}
