import type { QueryError } from '@ojs-ts/core/query';
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react';
import { keep, keptValue } from '../../kept.ts';
import { type Option, optionsAt, placeAt } from './completion.ts';
import { useKnownValues } from './known-values.ts';
import { readQuery } from './query.ts';

/** After the last key, in milliseconds: then the list follows, or the problem is shown. */
const pauseMs = 350;

export interface QueryFieldProps {
  readonly q: string;
  /** `isTyping`: the next one replaces it in the history of the browser. */
  readonly onChange: (q: string, isTyping: boolean) => void;
  /** The paths of the list's jobs in `meta` and `args`. */
  readonly paths: readonly string[];
}

/**
 * The query with what may come next at the caret. Arrow keys choose, Enter and Tab take, Escape closes. An empty field
 * offers the last queries.
 */
export function QueryField({ q, onChange, paths }: QueryFieldProps) {
  const [text, setText] = useState(q);
  const [caret, setCaret] = useState(0);
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const [checked, setChecked] = useState(q);
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const pushed = useRef(false);
  const sent = useRef(q);
  const id = useId();

  // The address has changed elsewhere: a view, a chip, the back button.
  useEffect(() => {
    if (q === sent.current) return;
    sent.current = q;
    setText(q);
    setChecked(q);
    pushed.current = false;
  }, [q]);
  useEffect(() => () => clearTimeout(timer.current), []);

  const place = placeAt(text, caret);
  const values = useKnownValues(place, isOpen);
  const history = text.trim() === '' ? lastQueries() : [];
  const options: readonly Option[] = [
    ...history.map((one) => ({ label: one, note: 'asked before', insert: one })),
    ...optionsAt(place, { values, paths }),
  ].slice(0, 40);
  const isShown = isOpen && options.length > 0;
  const read = readQuery(checked);
  const problem = read.kind === 'problem' && checked === text ? read.problem : null;

  const apply = (next: string, isTyping: boolean): void => {
    clearTimeout(timer.current);
    setChecked(next);
    if (readQuery(next).kind === 'problem') return;
    const trimmed = next.trim();
    if (!isTyping) rememberQuery(trimmed);
    if (trimmed === sent.current) return;
    sent.current = trimmed;
    onChange(trimmed, isTyping && pushed.current);
    pushed.current = isTyping;
  };
  const type = (next: string, at: number): void => {
    setText(next);
    setCaret(at);
    setActive(-1);
    setOpen(true);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      // An incomplete query is no mistake yet: Enter, and leaving the field, ask for an answer.
      if (isUnfinished(next)) return;
      apply(next, true);
    }, pauseMs);
  };
  const take = (option: Option, index: number): void => {
    const isWhole = index < history.length;
    const next = isWhole ? option.insert : text.slice(0, place.from) + option.insert + text.slice(place.to);
    const at = isWhole ? next.length : place.from + option.insert.length;
    type(next, at);
    if (isWhole) {
      setOpen(false);
      apply(next, false);
    }
    requestAnimationFrame(() => input.current?.setSelectionRange(at, at));
  };
  const press = (event: KeyboardEvent<HTMLInputElement>): void => {
    const { key, shiftKey } = event;
    const chosen = options[active];
    if (key === 'ArrowDown' || key === 'ArrowUp') {
      event.preventDefault();
      setOpen(true);
      const step = key === 'ArrowDown' ? 1 : -1;
      const from = active === -1 && step === -1 ? 0 : active;
      if (options.length > 0) setActive((from + step + options.length) % options.length);
    } else if (key === 'Escape' && isShown) {
      event.preventDefault();
      setOpen(false);
      setActive(-1);
    } else if (key === 'Enter') {
      event.preventDefault();
      if (isShown && chosen !== undefined) take(chosen, active);
      else {
        setOpen(false);
        apply(text, false);
      }
    } else if (key === 'Tab' && isShown && !shiftKey) {
      const index = chosen === undefined && place.typed !== '' ? 0 : active;
      const option = options[index];
      if (option === undefined) return;
      event.preventDefault();
      take(option, index);
    }
  };
  const list = `${id}-list`;
  return (
    <div className="query-field">
      <input
        ref={input}
        type="text"
        role="combobox"
        data-search
        aria-label="Query"
        aria-expanded={isShown}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={isShown && active >= 0 ? `${id}-${active}` : undefined}
        aria-invalid={problem !== null}
        aria-describedby={problem === null ? undefined : `${id}-problem`}
        placeholder="Any text, or terms such as state:failed queue:mail args[0]:42 error~timeout"
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        value={text}
        onChange={({ target }) => type(target.value, target.selectionStart ?? target.value.length)}
        onSelect={({ currentTarget }) => setCaret(currentTarget.selectionStart ?? 0)}
        onFocus={() => {
          pushed.current = false;
        }}
        onClick={() => setOpen(true)}
        onBlur={() => {
          setOpen(false);
          setChecked(text);
        }}
        onKeyDown={press}
      />
      <div id={list} role="listbox" aria-label="Completions" className="completions" hidden={!isShown}>
        {isShown &&
          options.map((option, index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the field, which keeps the focus
            <div
              key={`${option.note ?? ''} ${option.label}`}
              id={`${id}-${index}`}
              ref={index === active ? scrollIntoView : undefined}
              role="option"
              tabIndex={-1}
              aria-selected={index === active}
              onPointerDown={(event) => event.preventDefault()}
              onClick={() => take(option, index)}
            >
              <span className="mono">{option.label}</span>
              {option.note !== undefined && <span className="soft small">{option.note}</span>}
            </div>
          ))}
      </div>
      <div aria-live="polite" id={`${id}-problem`}>
        {problem !== null && <QueryProblem error={problem} />}
      </div>
    </div>
  );
}

/** Reports whether the query cannot be read only because of the word that is being written. */
function isUnfinished(text: string): boolean {
  const read = readQuery(text);
  // A field is written once its operator follows.
  const written = text.search(/[:=<>~]*[^\s:=<>~]*$/);
  return read.kind === 'problem' && !/\s$/.test(text) && read.problem.position >= written;
}

function scrollIntoView(option: HTMLDivElement | null): void {
  option?.scrollIntoView({ block: 'nearest' });
}

const queriesKey = 'ojs-job-queries';
const mostQueries = 20;

/** The last queries, the newest first. */
function lastQueries(): readonly string[] {
  const kept = keptValue(queriesKey);
  return Array.isArray(kept) ? kept.filter((one) => typeof one === 'string') : [];
}

function rememberQuery(q: string): void {
  const text = q.trim();
  if (text === '') return;
  keep(queriesKey, [text, ...lastQueries().filter((one) => one !== text)].slice(0, mostQueries));
}

/** The problem of a query, and the place in it. */
function QueryProblem({ error }: { readonly error: QueryError }) {
  const [said = '', ...pointer] = error.message.split('\n');
  return (
    <div className="query-problem">
      <p>{said}</p>
      <pre aria-hidden="true">{pointer.join('\n')}</pre>
    </div>
  );
}
