import { routeOf } from '@ojs-ts/core/operations';
import { type KeyboardEvent, useState } from 'react';
import { layOut } from '../../json/layout.ts';
import { isRecord } from '../../json/numeral.ts';
import type { Position } from '../../json/position.ts';
import { problemOf } from '../../json/problem.ts';
import { useSearchTexts } from '../../search.ts';
import { Button, CopyAs, Field, Select } from '../../ui/index.ts';
import { JsonEditor } from '../../ui/json-editor.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { Preview } from '../crons/preview.tsx';
import { examples } from './examples.ts';
import { Place, Refusal } from './refusal.tsx';
import { isKind, searchOf } from './targets.ts';
import { operationOf, useSend } from './use-send.ts';

const tabs = [
  { name: 'job', label: 'Job' },
  { name: 'workflow', label: 'Workflow' },
  { name: 'cron', label: 'Cron' },
] as const;

type Drafts = Readonly<Record<string, string>>;

/** The drafts, by kind and example. It stays while other pages are open, and goes with the tab. */
let keptDrafts: Drafts = {};

/** Write a job, a workflow or a cron, and send it. */
export function Composer() {
  const { search, change } = useSearchTexts();
  const [drafts, setDrafts] = useState(keptDrafts);
  const [place, setPlace] = useState<Position | null>(null);
  const [isUnsent, setUnsent] = useState(false);
  const send = useSend();
  const kind = isKind(search.tab) ? search.tab : 'job';
  const example = examples[kind].find(({ name }) => name === search.example) ?? examples[kind][0];
  const draft = `${kind} ${example.name}`;
  const text = drafts[draft] ?? example.text;
  const problem = problemOf(text);
  const { path } = routeOf(operationOf[kind]);
  const begin = (): void => {
    setUnsent(false);
    send.reset();
  };
  const write = (next: string): void => {
    keptDrafts = { ...keptDrafts, [draft]: next };
    setDrafts(keptDrafts);
  };
  const submit = (): void => {
    setUnsent(problem !== null);
    if (problem !== null) setPlace({ ...problem });
    else if (!send.isPending) send.mutate({ kind, text });
  };
  const press = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    // Before the editor, which would begin a new line.
    event.preventDefault();
    event.stopPropagation();
    submit();
  };
  return (
    <section className="card" aria-label="Write and send">
      <Tabs
        label="What to send"
        tabs={tabs}
        current={kind}
        onChange={(tab) => {
          begin();
          change({ tab, example: undefined });
        }}
      />
      <form
        className="stack"
        noValidate
        onKeyDownCapture={press}
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Field label="Example" hint={example.about}>
          <Select
            value={example.name}
            onChange={(name) => {
              begin();
              change({ tab: kind, example: name });
            }}
            options={examples[kind].map(({ name }) => name)}
          />
        </Field>
        <JsonEditor value={text} onChange={write} label={`Body of POST ${path}`} goTo={place} />
        {isUnsent && problem !== null && (
          <div className="failure" role="alert">
            <p>
              Not sent. <Place position={problem} goTo={setPlace} />: {problem.message}.
            </p>
          </div>
        )}
        <div className="row">
          <Button type="submit" kind="primary" aria-keyshortcuts="Control+Enter" busy={send.isPending}>
            Send <kbd>Ctrl+Enter</kbd>
          </Button>
          <Button disabled={problem !== null} onClick={() => write(layOut(text))}>
            Format
          </Button>
          <Button kind="plain" disabled={text === example.text} onClick={() => write(example.text)}>
            Reset
          </Button>
          <CopyAs operation={operationOf[kind]} options={{ body: text }} />
        </div>
        {send.error !== null && (
          <Refusal
            error={send.error}
            text={send.variables?.text ?? ''}
            goTo={setPlace}
            openJob={(id) => {
              begin();
              change(searchOf({ kind: 'job', id, after: null }));
            }}
          />
        )}
        {kind === 'cron' && <CronPreview text={text} />}
      </form>
    </section>
  );
}

/** The next runs of the cron in the text, calculated by the server. */
function CronPreview({ text }: { readonly text: string }) {
  const cron = readCron(text);
  const expression = textOf(cron.cron) || textOf(cron.expression) || textOf(cron.schedule);
  if (expression === '') return null;
  const timezone = textOf(cron.timezone) || 'UTC';
  return (
    <section className="stack" aria-label={`Next runs (${timezone})`}>
      <h3>Next runs ({timezone})</h3>
      <Preview expression={expression} timezone={timezone} />
    </section>
  );
}

function readCron(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch {
    // It is being written.
    return {};
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.trim() : '';
}
