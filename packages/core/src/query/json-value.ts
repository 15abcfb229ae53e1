import type { Json } from '../job/job.ts';

/** A value of a document, and what a query asks of it. Each form is made once, when a term needs it. */
export class JsonValue {
  /** As the client wrote it. */
  readonly text: Json;
  #string: string | null | undefined;
  #lower: string | undefined;

  constructor(text: Json) {
    this.text = text;
  }

  /** The string that the text means; null for any other value. */
  get string(): string | null {
    if (this.#string === undefined) this.#string = this.text.startsWith('"') ? JSON.parse(this.text) : null;
    return this.#string ?? null;
  }

  /** In lower case: what a string means, and of any other value its text. */
  get lower(): string {
    this.#lower ??= (this.string ?? this.text).toLowerCase();
    return this.#lower;
  }

  /** The text is a value of JSON, so its first character says what it is. */
  get isNumber(): boolean {
    return /^[-0-9]/.test(this.text);
  }
}
