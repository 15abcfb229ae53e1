import { elements, members } from '@ojs-ts/core';
import { readDocument } from '@ojs-ts/core/json';
import type { Answers } from '@ojs-ts/core/schemas';
import { type ReactNode, useState } from 'react';
import { formatDuration } from '../../format/times.ts';
import { parse } from '../../json/numeral.ts';
import { Badge, Card, CopyButton, Time, type Tone, WorkerLink } from '../../ui/index.ts';
import { JsonTree } from '../../ui/json-tree.tsx';
import type { Life, Span } from './spans.ts';

type JobError = Answers['admin.job']['errors'][number];

interface Entry {
  readonly key: string;
  readonly span: Span | null;
  /** JSON text of what went wrong. */
  readonly error: string | null;
}

/** Every execution, the newest first, with what went wrong. */
export function Attempts({ life, errors }: { readonly life: Life; readonly errors: string }) {
  const entries = entriesOf(life, errors);
  return (
    <Card title="Attempts" note={entries.length}>
      {entries.length === 0 ? (
        <p className="soft">No attempts recorded. Each attempt appears here with its error and stack.</p>
      ) : (
        <ol className="attempts" reversed>
          {entries.map(({ key, span, error }, index) => (
            <li key={key}>
              <AttemptHead span={span} />
              {error !== null && <ErrorDetail text={error} isOpen={index === 0} />}
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}

function AttemptHead({ span }: { readonly span: Span | null }) {
  if (span === null) return <strong>Outside an attempt</strong>;
  const { attempt, outcome, from, to, worker } = span;
  return (
    <div className="row attempt-head">
      <strong>Attempt {attempt}</strong>
      <Badge tone={outcome === null ? 'busy' : (tones[outcome] ?? 'mute')}>{outcome ?? 'running'}</Badge>
      <span>
        <Time at={from} />
        {to !== null && <span className="soft">, took {formatDuration(to - from)}</span>}
      </span>
      {worker !== null && (
        <span className="soft attempt-worker">
          on <WorkerLink id={worker} />
        </span>
      )}
    </div>
  );
}

const tones: Readonly<Record<string, Tone>> = {
  completed: 'good',
  failed: 'bad',
  discarded: 'bad',
  cancelled: 'mute',
  returned: 'warn',
};

export function ErrorDetail({ text, isOpen }: { readonly text: string; readonly isOpen: boolean }) {
  const parts = members(text);
  const details = parts.get('details');
  const light = [...parts]
    .filter(([name]) => name !== 'details')
    .map(([name, part]) => `${JSON.stringify(name)}:${part}`);
  const { type, code, message, backtrace = [] } = parse(`{${light.join(',')}}`) as JobError;
  return (
    <div className="error-detail">
      <p className="error-message">
        <strong>{type}</strong>: {message}
      </p>
      {code !== '' && code !== type && (
        <p className="small soft">
          Code <code>{code}</code>
        </p>
      )}
      {backtrace.length > 0 && (
        <Fold title="Stack" isOpen={isOpen}>
          <Stack frames={backtrace} />
        </Fold>
      )}
      {details !== undefined && (
        <Fold title="Details" isOpen={isOpen}>
          <JsonTree node={readDocument(details)} label={`Details of ${type}`} />
        </Fold>
      )}
    </div>
  );
}

interface FoldProps {
  readonly title: string;
  readonly isOpen: boolean;
  readonly children: ReactNode;
}

/** Open or closed at first; then as the reader leaves it, whatever attempts come after. */
function Fold({ title, isOpen, children }: FoldProps) {
  const [first] = useState(isOpen);
  return (
    <details open={first}>
      <summary>{title}</summary>
      {children}
    </details>
  );
}

/** An error belongs to the execution that ended when it happened; one of no execution has an entry of its own. */
function entriesOf({ spans }: Life, errors: string): readonly Entry[] {
  const left = new Map<number, string>();
  for (const text of elements(errors)) {
    const time = members(text).get('occurred_at');
    left.set(Date.parse(time === undefined ? '' : JSON.parse(time)), text);
  }
  const entries: (Entry & { readonly at: number })[] = spans.flatMap((span) => {
    if (span.attempt === null) return [];
    const error = span.to === null ? undefined : left.get(span.to);
    if (error !== undefined && span.to !== null) left.delete(span.to);
    return [
      { key: `${span.from} ${span.attempt}`, span, error: error ?? null, at: span.to ?? Number.POSITIVE_INFINITY },
    ];
  });
  for (const [at, error] of left) entries.push({ key: `error ${at}`, span: null, error, at });
  return entries.sort((one, other) => other.at - one.at);
}

const library = /node_modules[\\/]|node:|\binternal[\\/]|<anonymous>|site-packages|\/gems\/|\/vendor\//;

/** The frames of an error. Frames of libraries are folded, so that the user's own are easy to see. */
function Stack({ frames }: { readonly frames: readonly string[] }) {
  return (
    <div className="stack-frames">
      <ol>
        {folded(frames).map(({ at, lines, isLibrary }) => (
          <li key={at}>
            {isLibrary && lines.length > 1 ? (
              <details>
                <summary>{lines.length} frames of libraries</summary>
                <pre>{lines.join('\n')}</pre>
              </details>
            ) : (
              <pre data-library={isLibrary}>{lines.join('\n')}</pre>
            )}
          </li>
        ))}
      </ol>
      <CopyButton text={frames.join('\n')} what="the stack" />
    </div>
  );
}

interface Group {
  readonly at: number;
  readonly lines: readonly string[];
  readonly isLibrary: boolean;
}

/** The first frame always shows: the error was thrown there. */
function folded(frames: readonly string[]): readonly Group[] {
  const groups: Group[] = [];
  for (const [at, line] of frames.entries()) {
    const isLibrary = at > 0 && library.test(line);
    const last = groups.at(-1);
    if (last?.isLibrary === isLibrary) groups[groups.length - 1] = { ...last, lines: [...last.lines, line] };
    else groups.push({ at, lines: [line], isLibrary });
  }
  return groups;
}
