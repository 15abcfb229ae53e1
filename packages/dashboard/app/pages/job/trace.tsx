import { type FormEvent, useState } from 'react';
import { setPreferences, usePreferences } from '../../shell/preferences.ts';
import { Button, CopyButton, Dialog, Opener, TextField } from '../../ui/index.ts';
import type { Job } from './job.ts';

/** The id of the trace that the job belongs to (W3C Trace Context); null without one. */
export function traceOf({ trace_id: id, traceparent }: Job['meta']): string | null {
  if (typeof id === 'string' && id !== '') return id;
  return typeof traceparent === 'string' ? (/^[\da-f]{2}-([\da-f]{32})-/.exec(traceparent)?.[1] ?? null) : null;
}

/** The address of a trace; null if the template is none of the web. */
export function traceAddress(template: string, id: string): string | null {
  const address = template.replaceAll('{trace_id}', encodeURIComponent(id));
  if (!URL.canParse(address)) return null;
  const { protocol, href } = new URL(address);
  return protocol === 'https:' || protocol === 'http:' ? href : null;
}

/** A trace with a link into the reader's own tracing, once the browser knows where that is. */
export function Trace({ id }: { readonly id: string }) {
  const { traceUrl } = usePreferences();
  const address = traceUrl === '' ? null : traceAddress(traceUrl, id);
  return (
    <span className="row">
      {address === null ? (
        <code className="breaks">{id}</code>
      ) : (
        <a href={address} target="_blank" rel="noopener noreferrer" className="mono breaks">
          {id}
        </a>
      )}
      <CopyButton text={id} what="the trace id" />
      <Opener text={address === null ? 'Set link' : 'Change link'} size="small" kind="plain">
        {(close) => <TraceDialog kept={traceUrl} onClose={close} />}
      </Opener>
    </span>
  );
}

function TraceDialog({ kept, onClose }: { readonly kept: string; readonly onClose: () => void }) {
  const [text, setText] = useState(kept);
  const [problem, setProblem] = useState<string | null>(null);
  const keep = (event: FormEvent): void => {
    event.preventDefault();
    const next = text.trim();
    if (next !== '' && (!next.includes('{trace_id}') || traceAddress(next, '0') === null)) {
      setProblem('Write an address that begins with https:// or http:// and contains {trace_id}.');
      return;
    }
    setPreferences({ traceUrl: next });
    onClose();
  };
  return (
    <Dialog title="Link to traces" onClose={onClose}>
      <form className="stack" onSubmit={keep}>
        <TextField
          label="Address of a trace"
          hint="Stored in this browser. {trace_id} stands for the trace id. Leave it empty for no link."
          problem={problem}
          value={text}
          placeholder="https://tracing.example.com/trace/{trace_id}"
          spellCheck={false}
          onChange={setText}
        />
        <div className="dialog-foot">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary">
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
