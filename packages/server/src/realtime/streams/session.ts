import { ProtocolError, uuidv7 } from '@ojs-ts/core';
import { kindMatcher } from '@ojs-ts/core/events';
import type { Json } from '@ojs-ts/core/job';
import { Fields } from '@ojs-ts/core/requests';
import type { QueueAccess } from '../../binding/access.ts';
import { faultOf } from '../../binding/reply.ts';
import type { Parts } from '../../engine/engine.ts';
import { everything, readChannel } from './channel.ts';
import type { Connection } from './connection.ts';
import { type Filter, nothing } from './selection.ts';

type Engine = Parts<'subscriptions'>;

/** The most channels of one connection; each one checks every event. */
const maxSubscriptions = 100;
/** The most channels of one client over all its connections. */
const maxOfClient = 500;
const maxWords = 100;

/**
 * The messages of a WebSocket client and their answers (ojs-realtime §3, ojs-events §6.2). Messages are handled one
 * after the other.
 */
export class Session {
  readonly #engine: Engine;
  readonly #access: QueueAccess | null;
  readonly #connection: Connection;
  readonly #ofClient: () => number;
  readonly #source: string;
  readonly #send: (text: Json) => void;
  readonly #failed: (error: unknown) => void;
  readonly #refused: (error: unknown) => void;
  /** The start of channels that follow a `resume`. */
  #resumeAfter: number | null = null;

  constructor(parts: {
    readonly engine: Engine;
    /** Null for a caller that may follow every queue. */
    readonly access: QueueAccess | null;
    readonly connection: Connection;
    /** How many subscriptions the client has, over all its connections. */
    readonly ofClient: () => number;
    readonly source: string;
    readonly send: (text: Json) => void;
    readonly failed: (error: unknown) => void;
    /** Receives the refusals of messages. */
    readonly refused: (error: unknown) => void;
  }) {
    this.#engine = parts.engine;
    this.#access = parts.access;
    this.#connection = parts.connection;
    this.#ofClient = parts.ofClient;
    this.#source = parts.source;
    this.#send = parts.send;
    this.#failed = parts.failed;
    this.#refused = parts.refused;
  }

  /** Answers a message; an error is an answer, too. */
  async receive(text: string): Promise<void> {
    let about: Readonly<Record<string, unknown>> = {};
    try {
      const fields = new Fields(Fields.parse(text));
      const action = fields.requiredString('action');
      const channel = fields.string('channel', 512);
      about = { action, ...(channel !== null && { channel }) };
      if (action === 'subscribe') await this.#subscribe(fields, channel);
      else if (action === 'unsubscribe') this.#unsubscribe(fields, channel);
      else if (action === 'resume') await this.#resume(fields);
      else {
        fields.issue('action', 'must be subscribe, unsubscribe or resume');
        fields.done();
      }
    } catch (error) {
      const fault = faultOf(error);
      if (fault.kind.status >= 500) this.#failed(error);
      this.#refused(error);
      this.#error(fault.code, fault.message, about);
    }
  }

  async #subscribe(fields: Fields, channel: string | null): Promise<void> {
    const last = fields.string('last_event_id');
    if (channel === null) fields.issue('channel', 'is required');
    const filterFields = fields.object('filter');
    const filter = readFilter(filterFields ?? fields);
    const sources = (filterFields ?? fields).strings('sources', maxWords) ?? [];
    fields.done();
    const chosen = channel === null || channel === 'events' ? everything : readChannel(channel);
    await this.#access?.channel(chosen, filter);
    const after = last === null ? this.#resumeAfter : await this.#positionOf(last);
    if (after === 'unknown') return;
    if (this.#connection.subscriptions >= maxSubscriptions) {
      throw new ProtocolError(
        'rate_limited',
        `A connection may have ${maxSubscriptions} subscriptions; unsubscribe from one first.`,
      );
    }
    if (this.#ofClient() >= maxOfClient) {
      const message = `A client may have ${maxOfClient} subscriptions in all; unsubscribe from one first.`;
      throw new ProtocolError('rate_limited', message, { limit: maxOfClient });
    }
    if (channel !== 'events') {
      const types = filter.types.length > 0 && { event_types: filter.types };
      await this.#connection.subscribe(chosen, filter, after, () => {
        this.#answer({ type: 'subscribed', channel, ...types });
      });
      return;
    }
    const id = `sub_${uuidv7()}`;
    const wanted = sources.length === 0 || kindMatcher(sources)(this.#source) ? filter : nothing;
    await this.#connection.subscribeLog(id, wanted, after, () => {
      this.#answer({ type: 'subscribed', action: 'subscribed', channel, subscription_id: id });
    });
  }

  #unsubscribe(fields: Fields, channel: string | null): void {
    const id = fields.string('subscription_id');
    fields.done();
    const key = id ?? channel;
    if (key === null || !this.#connection.unsubscribe(key)) {
      const message = `There is no subscription ${(key ?? '').slice(0, 255)} on this connection.`;
      const hint = 'Send the channel, or the subscription_id of the answer to subscribe.';
      throw new ProtocolError('not_found', message, {}, hint);
    }
    this.#answer({
      type: 'unsubscribed',
      ...(channel !== null && { channel }),
      ...(id !== null && { action: 'unsubscribed', subscription_id: id }),
    });
  }

  async #resume(fields: Fields): Promise<void> {
    const last = fields.requiredString('last_event_id');
    fields.done();
    const after = await this.#positionOf(last);
    if (after === 'unknown') return;
    this.#answer({ type: 'resumed', last_event_id: last });
    this.#resumeAfter = after;
    this.#connection.resume(after);
  }

  /** The position of a client's id. For an unknown id the client gets a message (ojs-realtime §5.5.2). */
  async #positionOf(id: string): Promise<number | 'unknown'> {
    const after = await this.#connection.positionOf(id);
    const { newest } = await this.#engine.subscriptions.ends();
    if (after <= newest) return after;
    this.#error('unknown_event_id', 'Event ID not found in buffer. Perform a full state sync.', { action: 'resume' });
    return 'unknown';
  }

  #error(code: string, message: string, about: Readonly<Record<string, unknown>>): void {
    this.#answer({ type: 'error', code, message, ...about });
  }

  #answer(message: object): void {
    this.#send(JSON.stringify(message));
  }
}

function readFilter(fields: Fields): Filter {
  return {
    types: fields.strings('event_types', maxWords) ?? [],
    queues: fields.strings('queues', maxWords) ?? [],
    jobTypes: fields.strings('job_types', maxWords) ?? [],
  };
}
