import type { Storage } from '../../storage/storage.ts';
import type { Telemetry } from './telemetry.ts';
import { errorCode } from './tracing.ts';

/** The names of the semantic conventions of OpenTelemetry. */
const systemNames: Readonly<Record<string, string>> = { postgres: 'postgresql' };

/** Read once at the start, answered from memory, or as long as a file is large: their times say nothing. */
const unmeasured: ReadonlySet<string | symbol> = new Set([
  ...['layout', 'migrate', 'seed', 'leaseKey', 'subscribe', 'clear', 'verify', 'lastMove', 'away'],
  Symbol.asyncDispose,
]);

type Call = (...args: readonly unknown[]) => unknown;

/**
 * The storage, with the time and the errors of each operation measured, and a span around each if spans are recorded.
 * Calls come in batches, so a measurement is cheap: 0.15 µs a call.
 */
export function measured(storage: Storage, { storage: durations, storageErrors, tracing }: Telemetry): Storage {
  const { name, inProcess } = storage.traits;
  const system = systemNames[name] ?? name;

  function timed(operation: string, call: Call): Call {
    const duration = durations.of({ operation });
    const run = tracing.isOn
      ? (...args: readonly unknown[]) =>
          tracing.storageCall(operation, !inProcess, attributesOf(operation, args[0]), async () => call(...args))
      : call;
    return async (...args) => {
      const began = performance.now();
      try {
        return await run(...args);
      } catch (error) {
        storageErrors.add({ operation, code: errorCode(error) });
        throw error;
      } finally {
        duration.record((performance.now() - began) / 1_000);
      }
    };
  }

  function attributesOf(operation: string, first: unknown) {
    return {
      'db.system.name': system,
      'db.operation.name': operation,
      ...(Array.isArray(first) && first.length > 1 && { 'db.operation.batch.size': first.length }),
    };
  }

  /** The part with its methods measured, as an object that can be spread. */
  function around<Part extends object>(part: Part, path: string): Part;
  function around(part: object, path: string): object {
    const measuredOf = (name: string | symbol): unknown => {
      const value: unknown = Reflect.get(part, name);
      if (typeof value === 'function') {
        const call: Call = (...args) => Reflect.apply(Reflect.get(part, name), part, args);
        return path === '' && unmeasured.has(name) ? call : timed(`${path}${String(name)}`, call);
      }
      const isPart =
        path === '' && name !== 'traits' && name !== 'backup' && typeof value === 'object' && value !== null;
      return isPart ? around(value, `${String(name)}.`) : value;
    };
    return Object.fromEntries([...namesOf(part)].map((name) => [name, measuredOf(name)]));
  }

  return around(storage, '');
}

/** Also those of a class. */
function namesOf(value: object): ReadonlySet<string | symbol> {
  const names = new Set<string | symbol>();
  for (let one: object | null = value; one !== null && one !== Object.prototype; one = Object.getPrototypeOf(one))
    for (const name of Reflect.ownKeys(one)) if (name !== 'constructor') names.add(name);
  return names;
}
