import { ProtocolError } from '@ojs-ts/core';
import { StoreDamaged, StoreUnwritable } from '../../storage/unavailable.ts';

/** Why a call failed, in one of few words: a label, never the text of the error. */
export function errorCode(error: unknown): string {
  if (error instanceof ProtocolError) return error.code;
  if (error instanceof StoreUnwritable) return error.reason;
  if (error instanceof StoreDamaged) return 'damaged';
  return error instanceof Error && 'retryable' in error && error.retryable === true ? 'unavailable' : 'error';
}
