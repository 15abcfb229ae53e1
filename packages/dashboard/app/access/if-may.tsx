import type { OperationName } from '@ojs-ts/core/operations';
import type { ReactNode } from 'react';
import { useMay } from '../api/session.ts';

export interface IfMayProps {
  readonly call: OperationName;
  /** For callers who may not make the call: the text of a link without the link. */
  readonly otherwise?: ReactNode;
  readonly children: ReactNode;
}

/** A link for callers who may make the call that its page lives from. */
export function IfMay({ call, otherwise = null, children }: IfMayProps) {
  return useMay(call) ? children : otherwise;
}
