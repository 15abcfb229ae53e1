/** One event of a stream, in text form. */
export interface Frame {
  readonly name: string;
  readonly data: string;
  /** The last id that the stream gave, with this event or before it. */
  readonly id: string;
}

/** Reads `text/event-stream` (HTML §9.2.6) from pieces that are cut anywhere, between CR and LF too. */
export class FrameReader {
  #line = '';
  #afterCr = false;
  #isFirst = true;
  #name = '';
  #data: string[] = [];
  /** The id of the frame that is being read. It counts once the frame is complete. */
  #id: string;
  #lastId: string;
  #retryMs: number | undefined;

  constructor(lastId = '') {
    this.#id = lastId;
    this.#lastId = lastId;
  }

  /** The id to continue after. A frame without data may set it, too. */
  get lastId(): string {
    return this.#lastId;
  }

  /** The reconnection delay that the server asked for, in milliseconds. */
  get retryMs(): number | undefined {
    return this.#retryMs;
  }

  /** The events that this piece completes. An event that is cut off at the end of the stream is dropped. */
  *read(chunk: string): Generator<Frame> {
    let text = chunk;
    if (this.#isFirst && text !== '') {
      this.#isFirst = false;
      if (text.startsWith('\uFEFF')) text = text.slice(1);
    }
    let from = 0;
    for (let at = 0; at < text.length; at++) {
      const char = text[at];
      const follows = this.#afterCr;
      this.#afterCr = char === '\r';
      if (char !== '\n' && char !== '\r') continue;
      // The LF of a CRLF does not end a second line.
      if (!(char === '\n' && follows)) {
        const line = this.#line + text.slice(from, at);
        this.#line = '';
        if (line !== '') this.#field(line);
        else yield* this.#dispatch();
      }
      from = at + 1;
    }
    this.#line += text.slice(from);
  }

  #field(line: string): void {
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const raw = colon < 0 ? '' : line.slice(colon + 1);
    const value = raw.startsWith(' ') ? raw.slice(1) : raw;
    if (field === 'event') this.#name = value;
    else if (field === 'data') this.#data.push(value);
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.#retryMs = Number(value);
  }

  *#dispatch(): Generator<Frame> {
    const [name, data] = [this.#name, this.#data];
    this.#name = '';
    this.#data = [];
    this.#lastId = this.#id;
    if (data.length > 0) yield { name: name === '' ? 'message' : name, data: data.join('\n'), id: this.#id };
  }
}
