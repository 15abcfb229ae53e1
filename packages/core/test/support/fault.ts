import { ProtocolError } from '../../src/index.ts';

/** The refusal that the call throws. */
export function faultOf(call: () => unknown): ProtocolError {
  try {
    call();
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
