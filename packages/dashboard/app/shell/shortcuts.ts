import { useEffect, useRef } from 'react';

/** After `g` the second key must come within this time, in milliseconds. */
const chordMs = 1_500;

/**
 * Runs what belongs to a key, or to a pair such as `g j`. Nothing happens while the user types in a field, or while a
 * dialog is open.
 */
export function useShortcuts(shortcuts: Readonly<Record<string, () => void>>): void {
  const latest = useRef(shortcuts);
  latest.current = shortcuts;
  useEffect(() => {
    let before = { key: '', at: 0 };
    const press = (event: KeyboardEvent): void => {
      const { key, ctrlKey, metaKey, altKey, target, timeStamp } = event;
      const withControl = ctrlKey || metaKey;
      const name = withControl ? `mod+${key.toLowerCase()}` : key;
      if (altKey || (!withControl && isTyping(target)) || document.querySelector('dialog[open]') !== null) return;
      const pair = timeStamp - before.at < chordMs ? `${before.key} ${name}` : '';
      before = { key: name, at: timeStamp };
      const run = latest.current[pair] ?? latest.current[name];
      if (run === undefined) return;
      before = { key: '', at: 0 };
      event.preventDefault();
      run();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  const field = 'input:not([type="checkbox"], [type="radio"]), textarea, select, [contenteditable="true"]';
  // An editor in a shadow root shows as its host.
  return target instanceof HTMLElement && (target.matches(field) || target.shadowRoot !== null);
}
