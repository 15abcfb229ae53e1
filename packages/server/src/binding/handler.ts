import type { OperationName } from '@ojs-ts/core';
import type { Engine } from '../engine/engine.ts';
import type { Reply } from './reply.ts';
import type { BindingRequest } from './request.ts';
import type { About } from './system.ts';

/** What an operation is handled with. `failed` reports what went wrong beside the answer. */
export type Handler = (
  engine: Engine,
  request: BindingRequest,
  about: About,
  failed: (error: unknown) => void,
) => Reply | Promise<Reply>;

/** The handlers of one topic; `binding.ts` puts the topics together. */
export type Handlers<Name extends OperationName> = Readonly<Record<Name, Handler>>;
