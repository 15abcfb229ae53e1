import { uuidv7 } from '@ojs-ts/core';
import type { Answers } from '@ojs-ts/core/schemas';
import { useState } from 'react';
import { ApiFailure } from '../../api/failure.ts';
import { parse } from '../../json/numeral.ts';
import { problemOf } from '../../json/problem.ts';
import { FormDialog } from '../../ui/index.ts';
import { JsonEditor } from '../../ui/json-editor.tsx';
import { useJobCall } from './job-call.ts';
import type { Wait } from './waits.ts';

export interface SendSignalProps {
  readonly job: string;
  /** A wait for a signal. */
  readonly wait: Wait;
  readonly queue: string;
  readonly onClose: () => void;
}

const outcomes = {
  woken: 'The signal has ended the wait, and the job is available.',
  kept: 'The signal is kept until the job reads it.',
  repeated: 'This signal was sent before, so nothing has changed.',
} as const;

/** Sends what a job waits for. The payload is sent unchanged. */
export function SendSignal({ job, wait: { name, signal = name, token }, queue, onClose }: SendSignalProps) {
  const [payload, setPayload] = useState('');
  // The same id counts once: a repeated click sends no second signal.
  const [id] = useState(uuidv7);
  const { run } = useJobCall(job);
  const target = token === undefined ? { job_id: job, name: signal } : { token, queue };
  const sent = Object.entries({ ...target, id }).map(([member, value]) => `"${member}":${JSON.stringify(value)}`);
  const isEmpty = payload.trim() === '';
  if (!isEmpty) sent.push(`"payload":${payload}`);
  return (
    <FormDialog
      title={token === undefined ? `Send the signal ${signal}` : `Send a signal to the token ${token}`}
      submit="Send signal"
      isReady={isEmpty || problemOf(payload) === null}
      onSubmit={() => run({ operation: 'signal.send', body: `{"signals":[{${sent.join(',')}}]}`, done: wordsOf })}
      onClose={onClose}
    >
      <JsonEditor
        label="Payload"
        hint='JSON that the handler gets, such as {"approved": true}. An empty field sends no payload.'
        value={payload}
        mayBeEmpty
        onChange={setPayload}
      />
    </FormDialog>
  );
}

/** @throws ApiFailure if the server has refused the signal. */
function wordsOf(text: string): string {
  const [sent] = (parse(text) as Answers['signal.send']).signals;
  if (sent?.error !== undefined) throw new ApiFailure(sent.status, sent.error);
  return outcomes[sent?.outcome ?? 'kept'];
}
