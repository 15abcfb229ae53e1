import { ProtocolError } from '../errors.ts';
import type { JobId, Json } from '../job/job.ts';
import { utf8Length } from '../json/json.ts';
import type { RecordChange, RecordKey, StoredRecord } from '../records.ts';
import { ask, type Steps } from '../steps.ts';
import type { Millis } from '../time/clock.ts';
import type { Payload } from './merge.ts';
import { stepLimits } from './row.ts';
import type { StepStore } from './store.ts';

/** A mailbox keeps signals until a wait reads them, the oldest first. The text of its record. */
export interface Mailbox {
  /** The step that waits, for a token: it has one waiter in the store. */
  readonly waiter?: { readonly job: JobId; readonly step: string };
  readonly unread: readonly Letter[];
  /** Ids of mail that was read, and when: the same id counts once. */
  readonly read: readonly (readonly [id: string, at: Millis])[];
}

export interface Letter {
  readonly id: string;
  readonly at: Millis;
  /** Mail under a token expires. */
  readonly until?: Millis;
  /** Only a job of this queue reads it: its sender has no right to others. */
  readonly queue?: string;
  readonly encoded?: true;
  /** A record of its own has the payload. */
  readonly hasPayload?: true;
}

/** Unread mail of a mailbox, ids of read mail that it knows and for how long, and the life of mail under a token. */
export const mailLimits = {
  ...{ unread: 1_000, read: 1_000, readMs: 86_400_000 },
  ...{ tokenMs: 7 * 86_400_000, maxTokenMs: 365 * 86_400_000, id: 128 },
} as const;

export const tokenKind = 'mailboxes';
const mailKind = 'mail';

/** Names of mailboxes that the server itself writes to. Names of users' signals do not begin so. */
export const ownSignals = 'ojs.';

/** The name of the mailbox of a step that waits for the end of a workflow. */
export function childSignal(step: string): string {
  return `${ownSignals}child/${step}`;
}

/** The mailbox of a wait: of the job itself, or under a token. */
export interface Address {
  readonly job: JobId;
  readonly name: string;
  readonly kind?: string | undefined;
  readonly signal?: string | undefined;
  readonly token?: string | undefined;
}

export function mailboxKey({ job, name, kind, signal, token }: Address): RecordKey {
  return token === undefined
    ? { kind: `mailbox:${job}`, key: mailboxOf({ name, kind, signal }) }
    : { kind: tokenKind, key: token };
}

/** The name of a mailbox of a job. */
export function mailboxOf({ name, kind, signal = name }: Pick<Address, 'name' | 'kind' | 'signal'>): string {
  return kind === 'child' ? childSignal(name) : signal;
}

function mailKey({ kind, key }: RecordKey, id: string): RecordKey {
  return { kind: kind === tokenKind ? mailKind : `mail:${kind.slice('mailbox:'.length)}`, key: `${key}/${id}` };
}

/** A mailbox that was read, and what a commit changes in it. */
export class OpenMailbox {
  readonly key: RecordKey;
  readonly #record: StoredRecord | null;
  #box: Mailbox;
  readonly #puts: StoredRecord[] = [];
  readonly #deletes: RecordKey[] = [];

  constructor(key: RecordKey, record: StoredRecord | null) {
    this.key = key;
    this.#record = record;
    this.#box = record === null ? { unread: [], read: [] } : JSON.parse(record.body);
  }

  get waiter(): Mailbox['waiter'] {
    return this.#box.waiter;
  }

  set waiter(waiter: Mailbox['waiter']) {
    const { waiter: _, ...box } = this.#box;
    this.#box = { ...box, ...(waiter !== undefined && { waiter }) };
  }

  /** Mail that has not expired, the oldest first. */
  unread(now: Millis): readonly Letter[] {
    return this.#box.unread.filter(({ until }) => until === undefined || until > now);
  }

  knows(id: string): boolean {
    return this.#box.unread.some((letter) => letter.id === id) || this.#box.read.some(([read]) => read === id);
  }

  /** Drops all unread mail: that of a waiter that has ended, and what has expired. */
  drop(isGone: (letter: Letter) => boolean): void {
    for (const letter of this.#box.unread.filter(isGone)) this.#remove(letter);
  }

  #remove(gone: Letter): void {
    this.#box = { ...this.#box, unread: this.#box.unread.filter((letter) => letter !== gone) };
    if (gone.hasPayload) this.#deletes.push(mailKey(this.key, gone.id));
  }

  /** @throws ProtocolError `mailbox_full` */
  keep(letter: Omit<Letter, 'hasPayload'>, payload: Json | null): void {
    if (this.#box.unread.length >= mailLimits.unread) throw full(this.key);
    const { at } = letter;
    if (payload !== null)
      this.#puts.push({ ...mailKey(this.key, letter.id), version: 1, createdAt: at, updatedAt: at, body: payload });
    const unread = [...this.#box.unread, { ...letter, ...(payload !== null && { hasPayload: true as const }) }];
    this.#box = { ...this.#box, unread };
  }

  /** The oldest mail that a job of this queue may read, without its payload. */
  oldest(queue: string, now: Millis): Letter | null {
    this.drop(({ until }) => until !== undefined && until <= now);
    return this.#box.unread.find((letter) => letter.queue === undefined || letter.queue === queue) ?? null;
  }

  /** Notes that mail was read. */
  take(letter: Letter, now: Millis): void {
    this.#remove(letter);
    this.noteRead(letter.id, now);
  }

  noteRead(id: string, now: Millis): void {
    const known = this.#box.read.filter(([, at]) => at > now - mailLimits.readMs).slice(1 - mailLimits.read);
    this.#box = { ...this.#box, read: [...known, [id, now]] };
  }

  *payloadOf(store: StepStore, letter: Letter): Steps<Payload> {
    if (letter.hasPayload === undefined) return { text: null };
    const [record] = yield* ask(store.records([mailKey(this.key, letter.id)]));
    return { text: record?.body ?? null, encoded: letter.encoded };
  }

  /** Removes expired mail and that of a deleted waiter. An empty mailbox is deleted. Null for no change. */
  swept(isWaiterGone: boolean, now: Millis): RecordChange | null {
    const { unread } = this.#box;
    this.drop(({ until }) => isWaiterGone || (until !== undefined && until <= now));
    if (isWaiterGone) this.waiter = undefined;
    const { checks, ...change } = this.change(now);
    const isNeeded =
      this.#box.unread.length > 0 ||
      this.waiter !== undefined ||
      this.#box.read.some(([, at]) => at > now - mailLimits.readMs);
    if (!isNeeded) return { checks, deletes: [...change.deletes, this.key] };
    return isWaiterGone || this.#box.unread.length < unread.length ? { checks, ...change } : null;
  }

  /** Its part of a commit. The record is always written, so that of two calls one comes first and the other sees it. */
  change(now: Millis): Required<Pick<RecordChange, 'checks' | 'puts' | 'deletes'>> {
    const [before, key] = [this.#record, this.key];
    const stamp = { version: (before?.version ?? 0) + 1, createdAt: before?.createdAt ?? now, updatedAt: now };
    const box: StoredRecord = { ...key, ...stamp, body: JSON.stringify(this.#box) };
    return {
      checks: [{ ...key, version: before?.version ?? null }],
      puts: [box, ...this.#puts],
      deletes: this.#deletes,
    };
  }
}

export function* openMailbox(store: StepStore, key: RecordKey): Steps<OpenMailbox> {
  const [record = null] = yield* ask(store.records([key]));
  return new OpenMailbox(key, record);
}

/** @throws ProtocolError `step_too_large` */
export function checkPayload(text: Json | null): void {
  const size = text === null ? 0 : utf8Length(text);
  const max = stepLimits.valueBytes;
  if (size <= max) return;
  const message = `The payload of the signal has ${size} bytes; at most ${max} are allowed.`;
  throw new ProtocolError('step_too_large', message, { size, max_size: max });
}

function full({ kind, key }: RecordKey): ProtocolError {
  const max = mailLimits.unread;
  const whose = kind === tokenKind ? `of the token ${JSON.stringify(key)}` : `${JSON.stringify(key)} of the job`;
  const message = `The mailbox ${whose} has ${max} signals that nobody has read; no more fit in.`;
  return new ProtocolError('mailbox_full', message, { max_unread: max });
}
