import { type ReactNode, useId } from 'react';
import { useModal } from './modal.ts';

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
