import type { JsonNode } from '@ojs-ts/core/json';
import { useState } from 'react';
import { formatCount } from '../format/numbers.ts';
import { beginningOf, prettyOf } from '../json/document.ts';
import { Button } from './button.tsx';
import { CopyButton } from './copy.tsx';

export interface JsonTreeProps {
  readonly node: JsonNode;
  readonly label: string;
  /** Levels that are open at first. */
  readonly open?: number;
}

/** Entries of one list or object that are drawn at once. */
const atOnce = 200;
/** In characters. */
const longText = 2_000;

/** A JSON value that opens and closes, every literal unchanged. */
export function JsonTree({ node, label, open = 2 }: JsonTreeProps) {
  return (
    <div className="json-box">
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard must reach what scrolls (axe) */}
      <div className="json" role="group" aria-label={label} tabIndex={0}>
        <Value node={node} open={open} />
      </div>
      <CopyButton text={() => prettyOf(node)} what={label} />
    </div>
  );
}

function Value({ node, name, open }: { readonly node: JsonNode; readonly name?: string; readonly open: number }) {
  const key = name === undefined ? null : <span className="key">{JSON.stringify(name)}: </span>;
  if (node.kind === 'string') {
    return (
      <div>
        {key}
        <Text text={node.text} />
      </div>
    );
  }
  if (node.kind === 'list' || node.kind === 'object') return <Branch node={node} name={name} open={open} />;
  return (
    <div>
      {key}
      <span className="literal">{node.text}</span>
    </div>
  );
}

/** A string; a long one opens. */
function Text({ text }: { readonly text: string }) {
  const [isWhole, setWhole] = useState(false);
  if (isWhole || text.length <= longText) return <span className="string">{text}</span>;
  return (
    <>
      <span className="string">{text.slice(0, longText)}…</span>{' '}
      <Button size="small" kind="plain" onClick={() => setWhole(true)}>
        Show all {formatCount(text.length)} characters
      </Button>
    </>
  );
}

interface BranchProps {
  readonly node: Extract<JsonNode, { readonly kind: 'list' | 'object' }>;
  readonly name: string | undefined;
  readonly open: number;
}

function Branch({ node, name, open }: BranchProps) {
  const [isOpen, setOpen] = useState(open > 0);
  const [shown, setShown] = useState(atOnce);
  const size = node.kind === 'list' ? node.items.length : node.members.length;
  const [left, right] = node.kind === 'list' ? '[]' : '{}';
  const key = name === undefined ? null : <span className="key">{JSON.stringify(name)}: </span>;
  if (size === 0) {
    return (
      <div>
        {key}
        {left}
        {right}
      </div>
    );
  }
  const entries: readonly (readonly [string | undefined, JsonNode])[] =
    node.kind === 'list'
      ? node.items.slice(0, shown).map((item) => [undefined, item])
      : node.members.slice(0, shown).map((member) => [member.key, member.value]);
  return (
    <details open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        {key}
        {isOpen ? left : `${left} ${preview(node)} ${right}`}{' '}
        <span className="key">{size === 1 ? '1 entry' : `${formatCount(size)} entries`}</span>
      </summary>
      {isOpen && (
        <div>
          {entries.map(([entry, value], index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a position is what an entry of a JSON value is known by
            <Value key={index} node={value} open={open - 1} {...(entry !== undefined && { name: entry })} />
          ))}
          {shown < size && (
            <Button size="small" kind="plain" onClick={() => setShown(shown + 10 * atOnce)}>
              Show more of {formatCount(size)}
            </Button>
          )}
          <div className="end">{right}</div>
        </div>
      )}
    </details>
  );
}

function preview(node: BranchProps['node']): string {
  return beginningOf(node, 60).slice(1);
}
