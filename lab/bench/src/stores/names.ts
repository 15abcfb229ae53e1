import { randomBytes } from 'node:crypto';

/** A name for a schema or a namespace that nobody else has. */
export function freshName(): string {
  return `ojs_bench_${Date.now().toString(36)}${randomBytes(4).toString('hex')}`;
}
