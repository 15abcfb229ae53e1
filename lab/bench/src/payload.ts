import type { JobRequest } from '@ojs-ts/sdk';

export const queue = 'bench';
export const jobType = 'bench.email';

/** Each job is its own: no two have the same bytes. With id, type and queue the envelope has about 300 bytes. */
export interface Payload {
  readonly n: number;
  readonly to: string;
  readonly template: string;
  readonly variables: {
    readonly name: string;
    readonly company: string;
    readonly plan: string;
    readonly token: string;
  };
}

export function payloadOf(n: number): Payload {
  const token = `${n.toString(36).padStart(8, '0')}${Math.floor(Math.random() * 2 ** 52)
    .toString(36)
    .padStart(11, '0')}`;
  return {
    n,
    to: `customer-${n}@example.com`,
    template: 'welcome-to-the-trial',
    variables: { name: `Customer ${n}`, company: `Example Company ${n}`, plan: 'pro', token },
  };
}

export function requestOf(n: number): JobRequest {
  return { type: jobType, args: [payloadOf(n)], queue };
}

/** The number that a job was made with. */
export function numberOf(args: readonly unknown[]): number {
  const [payload] = args;
  if (typeof payload === 'object' && payload !== null && 'n' in payload && typeof payload.n === 'number')
    return payload.n;
  throw new Error(`a handler got arguments that no job was made with: ${JSON.stringify(args)}`);
}
