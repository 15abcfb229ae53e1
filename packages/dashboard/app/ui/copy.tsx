import type { OperationName } from '@ojs-ts/core/operations';
import { routeOf } from '@ojs-ts/core/operations';
import { addressOf, type CallOptions } from '../api/client.ts';
import { stringify } from '../json/numeral.ts';
import { Button } from './button.tsx';
import { Menu } from './menu.tsx';
import { showToast } from './toasts.ts';

export async function copyText(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    showToast({ kind: 'done', text: `Copied ${what}.` });
  } catch {
    // A browser without the right, or a page over plain HTTP from another machine.
    showToast({ kind: 'failed', text: `The browser did not allow this page to copy. ${text}` });
  }
}

/** @param text a function where it is long to make. */
export function CopyButton({ text, what }: { readonly text: string | (() => string); readonly what: string }) {
  return (
    <Button
      size="small"
      kind="plain"
      aria-label={`Copy ${what}`}
      onClick={() => void copyText(typeof text === 'string' ? text : text(), what)}
    >
      <svg
        viewBox="0 0 16 16"
        width="14"
        height="14"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
        aria-hidden="true"
      >
        <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
        <path d="M10.5 5.5v-2a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2" />
      </svg>
    </Button>
  );
}

export interface CopyAsProps {
  readonly operation: OperationName;
  readonly options: CallOptions;
  /** The same on the command line, without `ojs`. */
  readonly command?: string;
  /** The same with the SDK. */
  readonly code?: string;
  /** Other texts about the same, such as a command that exports it. */
  readonly also?: readonly { readonly label: string; readonly text: string }[];
}

/** The call behind what is shown, as curl, as a command and as code of the SDK. */
export function CopyAs({ operation, options, command, code, also = [] }: CopyAsProps) {
  const items = [
    { label: 'Copy as curl', run: () => void copyText(curlOf(operation, options), 'the curl command') },
    ...(command === undefined
      ? []
      : [{ label: 'Copy as command', run: () => void copyText(`ojs ${command}`, 'the command') }]),
    ...(code === undefined ? [] : [{ label: 'Copy as SDK code', run: () => void copyText(code, 'the code') }]),
    ...also.map(({ label, text }) => ({ label, run: () => void copyText(text, 'the text') })),
  ];
  return <Menu label="Copy as" size="small" items={items} />;
}

export function curlOf(operation: OperationName, options: CallOptions): string {
  const { method } = routeOf(operation);
  const parts = ['curl', ...(method === 'GET' ? [] : ['-X', method]), quote(addressOf(operation, options).href)];
  parts.push('-H', '"authorization: Bearer $OJS_AUTH_TOKEN"');
  if (options.body !== undefined) {
    const body = typeof options.body === 'string' ? options.body : stringify(options.body);
    parts.push('-H', quote('content-type: application/json'), '-d', quote(body));
  }
  return parts.join(' ');
}

/** For a POSIX shell. */
export function quote(text: string): string {
  return /^[\w./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
