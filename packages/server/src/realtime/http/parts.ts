import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Binding } from '../../binding/binding.ts';
import type { Authorization } from '../../http/auth.ts';
import type { OpenStreams } from './open-streams.ts';
import type { RealtimeOptions } from './options.ts';
import type { SlowReaders } from './slow-readers.ts';

/** The dependencies of the routes of ojs-realtime. */
export interface RealtimeParts {
  readonly binding: Binding;
  readonly authorization: Authorization;
  readonly options: RealtimeOptions;
  readonly warn: (fields: object, event: string) => void;
  readonly failed: (error: unknown, what: string, requestId: string) => void;
}

/** The parts that all streams of the server share. */
export interface Streams {
  /**
   * Counts a new connection; the returned function ends it. @throws ProtocolError if the server accepts no more
   * connections.
   */
  readonly enter: (request: FastifyRequest, reply: FastifyReply) => () => void;
  readonly openStreams: OpenStreams;
  readonly slowReaders: SlowReaders;
  readonly isClosing: () => boolean;
  readonly cursorOf: (request: FastifyRequest) => string | null;
}
