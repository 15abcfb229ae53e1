import type { JsonNode } from '@ojs-ts/core/json';
import { type ReactNode, useEffect, useRef } from 'react';
import { StateBadge } from '../../ui/index.ts';
import { JsonTree } from '../../ui/json-tree.tsx';

export interface SubjectProps {
  readonly name: string;
  readonly id: string;
  readonly state: string;
  /** To its own page. */
  readonly link: ReactNode;
  /** Buttons that change it. */
  readonly actions: ReactNode;
  readonly node: JsonNode;
  readonly children: ReactNode;
}

/** The current state of the target. */
export function Subject({ name, id, state, link, actions, node, children }: SubjectProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const acted = useRef(false);
  // The button that was pressed is gone: a user of the keyboard continues from here.
  useEffect(() => {
    if (acted.current && state !== '' && document.activeElement === document.body) heading.current?.focus();
    acted.current = false;
  }, [state]);
  return (
    <>
      <div className="row spread">
        <h3 ref={heading} tabIndex={-1} className="subject-name">
          {name}
        </h3>
        <span role="status" aria-label="State">
          <StateBadge state={state} />
        </span>
      </div>
      <p className="row">
        <code className="subject-id">{id}</code>
        {link}
      </p>
      <div
        className="row"
        onClickCapture={() => {
          acted.current = true;
        }}
      >
        {actions}
      </div>
      {children}
      <h3>Current JSON</h3>
      <JsonTree node={node} label="Current JSON" open={4} />
    </>
  );
}
