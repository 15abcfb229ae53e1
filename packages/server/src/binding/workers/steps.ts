import { ProtocolError } from '@ojs-ts/core';
import type { Handlers } from '../handler.ts';

export const stepHandlers: Handlers<'job.steps' | 'worker.steps'> = {
  'job.steps': refuse,
  'worker.steps': refuse,
};

function refuse(): never {
  throw new ProtocolError('unsupported', 'This server records no durable steps.', { feature: 'x-steps' });
}
