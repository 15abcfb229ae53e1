import { type Grant, grants } from '@ojs-ts/core/access';
import { commaSeparated, type Query } from '@ojs-ts/core/requests';
import type { Engine } from '../../engine/engine.ts';
import { Connection, type ConnectionOptions, type Sink } from './connection.ts';
import { Renderer } from './render.ts';
import type { Filter } from './selection.ts';

/** Makes the connections of clients that follow the log (ojs-realtime). */
export class Realtime {
  readonly engine: Engine;
  readonly source: string;
  readonly #options: ConnectionOptions;
  /** One renderer for each seed of the store and right to the data of progress: nothing else needs a right. */
  readonly #renderers = new Map<string, Renderer>();

  constructor(engine: Engine, source: string, options: ConnectionOptions) {
    this.engine = engine;
    this.source = source;
    this.#options = options;
  }

  /** @param grant of the client; without one it sees everything */
  async connect(sink: Sink, grant?: Grant): Promise<Connection> {
    const seed = await this.engine.storage.seed();
    const key = `${seed} ${grant === undefined || grants(grant, 'payload')}`;
    const renderer = this.#renderers.get(key) ?? new Renderer(this.source, seed, grant);
    this.#renderers.set(key, renderer);
    return new Connection({
      engine: this.engine,
      renderer,
      seed,
      sink,
      options: this.#options,
    });
  }
}

/** The filter of a query: `event_types` (ojs-realtime §5.6) or `types`, and the dimensions of ojs-events §6.1. */
export function filterOf(query: Query): Filter {
  return {
    types: commaSeparated(query.event_types ?? query.types),
    queues: commaSeparated(query.queues),
    jobTypes: commaSeparated(query.job_types),
  };
}
