import { type KeyboardEvent, type ReactNode, useId, useRef } from 'react';
import { Button } from './button.tsx';

export interface MenuItem {
  readonly label: string;
  readonly run: () => void;
  readonly kind?: 'default' | 'danger';
  /** True or false for an item that is on or off. */
  readonly checked?: boolean;
}

export interface MenuProps {
  readonly label: ReactNode;
  /** The name if `label` is no text. */
  readonly name?: string;
  readonly items: readonly MenuItem[];
  readonly size?: 'default' | 'small' | undefined;
}

/** A button that opens a list of actions. Arrow keys move, Escape and a click elsewhere close it. */
export function Menu({ label, name, items, size }: MenuProps) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const place = (): void => {
    const from = button.current?.getBoundingClientRect();
    const element = list.current;
    if (from === undefined || element === null) return;
    const { width, height } = element.getBoundingClientRect();
    const below = from.bottom + 4 + height <= innerHeight;
    element.style.left = `${Math.max(8, Math.min(from.left, innerWidth - width - 8))}px`;
    element.style.top = `${below ? from.bottom + 4 : Math.max(8, from.top - 4 - height)}px`;
  };
  const move = (event: KeyboardEvent<HTMLDivElement>): void => {
    const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const all = [...event.currentTarget.querySelectorAll<HTMLElement>('[role^="menuitem"]')];
    const at = all.findIndex((one) => one.matches(':focus'));
    all[(at + step + all.length) % all.length]?.focus();
  };
  return (
    <>
      <Button ref={button} size={size} popoverTarget={id} aria-haspopup="menu" aria-label={name}>
        {label}
      </Button>
      <div
        ref={list}
        id={id}
        popover="auto"
        role="menu"
        className="menu"
        aria-label={name ?? (typeof label === 'string' ? label : undefined)}
        onKeyDown={move}
        onToggle={(event) => {
          if (event.newState !== 'open') return;
          place();
          event.currentTarget.querySelector<HTMLElement>('[role^="menuitem"]')?.focus();
        }}
      >
        {items.map(({ label: text, run, kind, checked }) => {
          const choose = (): void => {
            if (checked === undefined) list.current?.hidePopover();
            run();
          };
          return checked === undefined ? (
            <button key={text} type="button" role="menuitem" data-kind={kind} onClick={choose}>
              {text}
            </button>
          ) : (
            <button key={text} type="button" role="menuitemcheckbox" aria-checked={checked} onClick={choose}>
              <span aria-hidden="true">{checked ? '☑' : '☐'}</span>
              {text}
            </button>
          );
        })}
      </div>
    </>
  );
}
