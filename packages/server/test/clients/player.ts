import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { vi } from 'vitest';
import { newId } from '../support/ids.ts';
import { serve } from '../support/server.ts';
import type { TestStorage } from '../support/storages.ts';
import { openStream, type TestStream } from '../support/streams.ts';
import { type Answer, Connection } from './connection.ts';
import { matched, memberOf, type Names, read, type Shapes } from './reading.ts';

/** What a client sends with every request and how it reads answers: the lines of a recording before its first `==`. */
interface Client {
  readonly title: string;
  readonly head: readonly string[];
  /** Headers of every answer. */
  readonly answer: readonly string[];
  /** What the content type of an answer has to contain for the client to read it as JSON. */
  readonly json: string;
  /** Options of the server that it speaks to. */
  readonly serve: string;
  readonly shapes: Shapes;
  readonly texts: ReadonlyMap<string, string>;
}

interface Line {
  readonly text: string;
  /** File and number. */
  readonly at: string;
}

export interface Recording {
  readonly client: Client;
  readonly conversations: readonly { readonly title: string; readonly lines: readonly Line[] }[];
}

/** Reads a recording. `recorded/README.md` describes its form. */
export function recording(name: string): Recording {
  const text = readFileSync(new URL(`recorded/${name}`, import.meta.url), 'utf8');
  const lines = text.split('\n').map((one, index) => ({ text: one, at: `${name}:${index + 1}` }));
  const starts = lines.flatMap(({ text }, index) => (text.startsWith('== ') ? [index] : []));
  const conversations = starts.map((start, index) => ({
    title: lines[start]?.text.slice(3) ?? '',
    lines: lines
      .slice(start + 1, starts[index + 1])
      .filter(({ text }) => text !== '' && !text.startsWith('#'))
      .flatMap(({ text, at }) => text.split(' -> ').map((part) => ({ text: part, at }))),
  }));
  const facts = lines.slice(0, starts[0]).flatMap(({ text }) => {
    const [, word = '', rest = ''] = /^(\w+) (.*)$/.exec(text) ?? [];
    return word === '' ? [] : [{ word, rest }];
  });
  const all = (word: string) => facts.flatMap((fact) => (fact.word === word ? [fact.rest] : []));
  const named = (word: string) =>
    all(word).map((rest) => [rest.split(' ', 1)[0] ?? '', rest.replace(/^\S+ /, '')] as const);
  const client = {
    title: all('client')[0] ?? '',
    head: all('head'),
    answer: all('answer'),
    json: all('json')[0] ?? '',
    serve: all('serve')[0] ?? '{}',
    shapes: {
      named: new Map(named('shape').map(([name, shape]) => [name, JSON.parse(shape)])),
      zero: all('null')[0] === 'zero',
    },
    texts: new Map(named('text')),
  };
  return { client, conversations };
}

/** Plays one conversation on a server of its own. */
export async function play(client: Client, lines: readonly Line[], storage: TestStorage): Promise<void> {
  await using player = new Player(client, storage);
  for (const line of lines) {
    try {
      await player.play(line.text);
    } catch (error) {
      throw new Error(`${line.at}: ${line.text}\n${player.last}`, { cause: error });
    }
  }
}

class Player implements AsyncDisposable {
  readonly #client: Client;
  readonly #storage: TestStorage;
  readonly #open = new AsyncDisposableStack();
  readonly #names: Names = new Map();
  #url = '';
  #own: string | null = null;
  #connection: Connection | null = null;
  #stream: TestStream | null = null;
  #request = { method: '', path: '', body: '' };
  #times: readonly number[] = [0];
  #again = false;
  #answer: Answer = { status: 0, headers: new Map(), text: '' };

  constructor(client: Client, storage: TestStorage) {
    this.#client = client;
    this.#storage = storage;
  }

  get last(): string {
    return `The last answer was: ${this.#answer.status} ${this.#answer.text}`;
  }

  async play(line: string): Promise<void> {
    if (this.#url === '' && !line.startsWith('server ')) await this.#serve(this.#client.serve);
    const [word = ''] = line.split(' ', 1);
    const rest = line.slice(word.length).trim();
    if (/^[A-Z]+$/.test(word)) {
      const [path = ''] = rest.split(' ', 1);
      this.#request = { method: word, path, body: rest.slice(path.length + 1) };
    } else if (line.startsWith('{')) this.#request.body = line;
    else if (/^\d{3}$/.test(word)) {
      const exchange = () => this.#exchange(Number(word), rest);
      await (this.#again ? vi.waitFor(exchange, { timeout: 60_000, interval: 20 }) : exchange());
      [this.#times, this.#again] = [[0], false];
    } else if (word === '') this.#check(rest);
    else if (word === 'server') await this.#serve(rest);
    else if (word === 'client') await this.#connect(rest);
    else if (word === 'again') this.#again = true;
    else if (word === 'repeat') {
      const [from = 0, to = 0] = rest.split('..').map(Number);
      this.#times = Array.from({ length: to - from + 1 }, (_, index) => from + index);
    } else if (word === 'follow') await this.#follow(rest);
    else if (word === 'next' || word === 'rest') await this.#events(word, JSON.parse(rest));
    else throw new Error('This is no line of a conversation.');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open.disposeAsync();
  }

  async #serve(options: string): Promise<void> {
    const server = this.#open.use(await serve({ storage: this.#storage.url(), ...JSON.parse(options) }));
    const { origin, host } = new URL(server.url);
    this.#url = server.url;
    this.#names.set('origin', origin).set('host', host).set('storage', this.#storage.name);
    await this.#connect(null);
  }

  /** @param own a header of this connection alone; `bare`: no headers of the client; null: those of every request. */
  async #connect(own: string | null): Promise<void> {
    this.#own = own;
    this.#connection = this.#open.use(await Connection.open(this.#url));
  }

  async #exchange(status: number, rest: string): Promise<void> {
    for (const number of this.#times) await this.#send(number);
    if (this.#answer.status !== status) throw new Error(`expected ${status}, got ${this.#answer.status}`);
    this.#checkHead(rest);
    this.#check(rest);
  }

  async #send(number: number): Promise<void> {
    this.#names.set('n', number).set('uuid', randomUUID()).set('new', newId());
    const { method, path } = this.#request;
    const body = this.#filled(this.#request.body);
    this.#names.set('length', Buffer.byteLength(body));
    const whole = path.startsWith('/ojs/') || path === '/nowhere' ? path : `/ojs/v1${path}`;
    const head = [`${method} ${this.#filled(whole, encodeURIComponent)} HTTP/1.1`, ...this.#head(method, body !== '')];
    if (this.#connection === null) throw new Error('There is no connection.');
    this.#answer = await this.#connection.send(head, body);
  }

  #head(method: string, hasBody: boolean): readonly string[] {
    if (this.#own === 'bare') return [`Host: ${new URL(this.#url).host}`];
    const own = this.#own;
    return this.#client.head.flatMap((line) => {
      const [, condition = '', field = ''] = /^(?:\[(.*?)\] )?(.*)$/.exec(line) ?? [];
      const applies = (one: string) =>
        one === 'body' ? hasBody : one.startsWith('!') ? one.slice(1) !== method : one === method;
      if (condition !== '' && !condition.split(' ').some(applies)) return [];
      const name = own?.split(':', 1)[0];
      if (own !== null && (field === '*' || field.startsWith(`${name}:`))) return [this.#filled(own)];
      return field === '*' ? [] : [this.#filled(field)];
    });
  }

  /** What every answer to this client has, but for a header that this answer is checked for. */
  #checkHead(rest: string): void {
    if (this.#own === 'bare') return;
    for (const line of this.#client.answer) if (!rest.startsWith(`${line.split(' ', 1)[0]} `)) this.#check(line);
  }

  /** A header `name: value`, a shape, a pattern, or both. `!` in front: the client cannot read the answer. */
  #check(line: string): void {
    if (line === '') return;
    const [, header, value = ''] = /^([a-z][a-z-]*): (.*)$/.exec(line) ?? [];
    const [, mark = '', name = '', pattern = ''] = /^(!?)(\w*) ?(.*)$/.exec(line) ?? [];
    if (header !== undefined) {
      const { text, headers } = this.#answer;
      matched(value, header === 'body' ? text : headers.get(header), header, this.#names);
      return;
    }
    if (mark !== '') {
      this.#unreadable(name, pattern);
      return;
    }
    const isError = this.#answer.status >= 400;
    const body = this.#read(isError ? 'error' : name);
    if (isError && name !== '') matched(name, memberOf(body, ['error', 'code']), 'code', this.#names);
    if (pattern !== '') matched(JSON.parse(pattern), body, '$', this.#names);
  }

  #unreadable(name: string, failure: string): void {
    let message = '';
    try {
      this.#read(name);
    } catch (error) {
      message = String(error);
    }
    if (!message.includes(failure)) throw new Error(`expected ${failure}, got ${message || 'an answer'}`);
  }

  #read(shape: string): unknown {
    const { status, headers, text } = this.#answer;
    const isJson = headers.get('content-type')?.includes(this.#client.json) ?? false;
    const body = status === 204 ? {} : isJson ? JSON.parse(text) : { _raw: text };
    const { shapes } = this.#client;
    return this.#own === 'bare' || !shapes.named.has(shape) ? body : read(shape, body, '$', shapes);
  }

  async #follow(path: string): Promise<void> {
    const head = this.#head('GET', false).filter((line) => /^(?:user-agent|authorization):/i.test(line));
    const headers = Object.fromEntries(head.map((line) => line.split(': ', 2)));
    this.#stream = this.#open.use(await openStream(this.#url, this.#filled(path), headers));
    if (this.#stream.status !== 200) throw new Error(`The stream was refused: ${this.#stream.status}`);
  }

  async #events(word: 'next' | 'rest', patterns: readonly unknown[]): Promise<void> {
    const events = this.#stream?.events;
    matched(patterns, await (word === 'rest' ? events?.rest() : events?.take(patterns.length)), '$', this.#names);
  }

  /** `$name` and `$name.member` with what has that name: a text of the recording, or what an answer had. */
  #filled(text: string, written: (value: string) => string = (value) => value): string {
    return text.replaceAll(/\$([a-z]\w*)((?:\.[a-z]\w*)*)/gi, (_, name: string, path: string) => {
      const given = this.#client.texts.get(name);
      if (given !== undefined) return this.#filled(given);
      const value = memberOf(this.#names.get(name), path.split('.').slice(1));
      if (value === undefined) throw new Error(`Nothing is called ${name}${path}.`);
      return written(String(value));
    });
  }
}
