import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from 'react';
import { problemOf } from '../json/problem.ts';
import { Button } from './button.tsx';
import type { EditorHandle } from './code-mirror.ts';

export interface JsonEditorProps {
  /** JSON text; it is sent unchanged, digit by digit. */
  readonly value: string;
  readonly onChange: (text: string) => void;
  readonly label: string;
  readonly hint?: string;
  /** A problem of the text that another check found, such as the server's. */
  readonly problem?: string | null;
  /** True if an empty text is no mistake. */
  readonly mayBeEmpty?: boolean;
  /** Moves the cursor there, at each new object. */
  readonly goTo?: { readonly offset: number } | null;
}

/** An editor for JSON, which is loaded when it is first shown. Escape and then Tab leave it. */
export function JsonEditor(props: JsonEditorProps) {
  const { value, onChange, label, hint, problem, mayBeEmpty = false, goTo = null } = props;
  const host = useRef<HTMLDivElement>(null);
  const id = useId();
  const [editor, setEditor] = useState<EditorHandle | null>(null);
  const [isPlain, setPlain] = useState(false);
  const escaped = useRef(false);
  const latest = useRef({ value, onChange });
  latest.current = { value, onChange };
  useEffect(() => {
    let isOver = false;
    let opened: EditorHandle | null = null;
    import('./code-mirror.ts').then(
      ({ openEditor }) => {
        if (isOver || host.current === null) return;
        const { value: text } = latest.current;
        opened = openEditor(host.current, { text, label, onChange: (next) => latest.current.onChange(next) });
        setEditor(opened);
      },
      // A newer server has other files: a plain field is better than none.
      () => setPlain(true),
    );
    return () => {
      isOver = true;
      opened?.close();
    };
  }, [label]);
  const isLeftOut = mayBeEmpty && value.trim() === '';
  const wrong = useMemo(() => (isLeftOut ? null : problemOf(value)), [isLeftOut, value]);
  const shown = problem ?? (wrong && `Line ${wrong.line}, column ${wrong.column}: ${wrong.message}.`);
  useEffect(() => editor?.setText(value), [editor, value]);
  useEffect(() => editor?.setInvalid(Boolean(shown)), [editor, shown]);
  useEffect(() => {
    if (goTo !== null) editor?.focusAt(goTo.offset);
  }, [editor, goTo]);
  // The first Escape belongs to the editor; the dialog around it closes at a second one.
  const press = (event: KeyboardEvent): void => {
    if (event.key === 'Escape' && !escaped.current) event.preventDefault();
    escaped.current = event.key === 'Escape';
  };
  return (
    <div className="field json-editor">
      <span className="label">{label}</span>
      {isPlain ? (
        <textarea
          rows={10}
          value={value}
          aria-label={label}
          aria-invalid={Boolean(shown)}
          spellCheck={false}
          onChange={({ target }) => onChange(target.value)}
        />
      ) : (
        // biome-ignore lint/a11y/noStaticElementInteractions: the text field inside has the role; its keys arrive here
        <div ref={host} className="json-editor-host" onKeyDown={press}>
          {editor === null && <span className="visually-hidden">Loading the editor</span>}
        </div>
      )}
      <div className="json-editor-foot small">
        <span id={id} className={shown ? 'problem' : 'hint'} role="status">
          {shown || hint || 'Escape, then Tab leaves the editor.'}
        </span>
        {wrong && !problem && editor && (
          <Button size="small" onClick={() => editor.focusAt(wrong.offset)}>
            Go there
          </Button>
        )}
      </div>
    </div>
  );
}
