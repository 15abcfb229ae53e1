import type { Answer, Call, CallContext, StreamAnswer, StreamCall, Transport } from '@ojs-ts/core';

/**
 * What happens to one call: `before` is cut before the server sees it, `after` once it has taken effect; an answer
 * stands in for the server's.
 */
export type Fault = 'before' | 'after' | Answer | ((call: Call) => Promise<Answer>);

/** A transport that keeps what went over it, and spoils calls on demand. */
export class Faulty implements Transport {
  readonly calls: Call[] = [];
  readonly answers: { readonly call: Call; readonly answer: Answer }[] = [];
  readonly #inner: Transport;
  readonly #faults: { readonly operation: string; readonly fault: Fault; readonly when: (call: Call) => boolean }[] =
    [];
  #watchers: (() => void)[] = [];

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  /** Spoils the next call of the operation that `when` picks; several faults apply in order. */
  spoil(operation: string, fault: Fault, when: (call: Call) => boolean = () => true): void {
    this.#faults.push({ operation, fault, when });
  }

  of(operation: string): readonly Call[] {
    return this.calls.filter((call) => call.operation === operation);
  }

  bodies(operation: string): readonly Record<string, unknown>[] {
    return this.of(operation).map((call) => JSON.parse(call.body ?? '{}'));
  }

  /** Resolves once `condition` holds; asked whenever a call begins or ends. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }

  async call(call: Call, context?: CallContext): Promise<Answer> {
    this.calls.push(call);
    this.#wake();
    try {
      const at = this.#faults.findIndex(({ operation, when }) => operation === call.operation && when(call));
      const fault = at < 0 ? undefined : this.#faults.splice(at, 1)[0]?.fault;
      if (fault === 'before') throw new Error('cut before');
      if (typeof fault === 'function') return await fault(call);
      if (fault !== undefined && fault !== 'after') return fault;
      const answer = await this.#inner.call(call, context);
      if (fault === 'after') throw new Error('cut after');
      this.answers.push({ call, answer });
      return answer;
    } finally {
      this.#wake();
    }
  }

  async stream(call: StreamCall, context?: CallContext): Promise<StreamAnswer> {
    const none: StreamAnswer = { status: 404, text: '', headers: {}, chunks: null };
    return (await this.#inner.stream?.(call, context)) ?? none;
  }

  #wake(): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher();
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

export function refusal(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, text: typeof body === 'string' ? body : JSON.stringify(body), headers };
}
