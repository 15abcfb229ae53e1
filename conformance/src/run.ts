import type { Case } from './case.ts';
import { send } from './http.ts';
import type { CaseResult, Report } from './report.ts';
import { runCase, type StepFailure, type Target } from './steps.ts';
import { loadSuite } from './suite.ts';

export interface RunOptions {
  /** Base URL of the server, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Folders with case files, searched recursively. */
  readonly folders: readonly string[];
  /** Empties the server before each case (`POST /ojs/v1/admin/reset`; the server must be in test mode). */
  readonly reset: boolean;
  /** Only cases of exactly this level. */
  readonly level?: number;
  /** Only cases whose id, category, name, tags or file contain this text. */
  readonly filter?: string;
  /** Sent as `Authorization: Bearer …`. */
  readonly token?: string;
  /**
   * How many cases run at once, default 1. Cases that do not name their queues with `{{unique}}` run one by one.
   */
  readonly parallel?: number;
  readonly onResult?: (result: CaseResult) => void;
}

/** Runs the cases of the folders against a server. Throws if a folder cannot be read or no server answers at `url`. */
export async function runSuites(options: RunOptions): Promise<Report> {
  const { folders, level, filter, parallel = 1, onResult = () => {} } = options;
  const started = performance.now();
  const target: Target = {
    url: options.url.replace(/\/+$/, ''),
    ...(options.token === undefined ? {} : { token: options.token }),
  };
  const suites = await Promise.all(folders.map(loadSuite));
  const cases = suites
    .flatMap((suite) => suite.cases)
    .filter((one) => (level === undefined || one.level === level) && contains(one, filter));
  const broken = suites
    .flatMap((suite) => suite.broken)
    .filter(({ file }) => filter === undefined || file.includes(filter));
  const results = new Map<string, CaseResult>();
  const finish = (result: CaseResult) => {
    results.set(result.file, result);
    onResult(result);
  };
  for (const { file, error } of broken) {
    finish({
      file,
      id: '',
      level: -1,
      name: '',
      durationMs: 0,
      failures: [{ step: '', what: 'case file', expected: 'a case of the format', actual: error }],
    });
  }
  await reach(target);
  const together = parallel > 1 ? cases.filter(({ isolated }) => isolated) : [];
  if (options.reset && together.length > 0) await reset(target);
  const queue = together.values();
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      for (const one of queue) finish(await run(one, target, false));
    }),
  );
  for (const one of cases) if (!together.includes(one)) finish(await run(one, target, options.reset));
  const ordered = [...broken, ...cases].flatMap(({ file }) => results.get(file) ?? []);
  const failed = ordered.filter(({ failures }) => failures.length > 0).length;
  return { passed: ordered.length - failed, failed, durationMs: performance.now() - started, cases: ordered };
}

async function run(one: Case, target: Target, clean: boolean): Promise<CaseResult> {
  const started = performance.now();
  const { file, id, level, name } = one;
  let failures: readonly StepFailure[];
  try {
    if (clean) await reset(target);
    failures = await runCase(one, target);
  } catch (error) {
    failures = [
      {
        step: '',
        what: 'reset',
        expected: 'a server in test mode',
        actual: error instanceof Error ? error.message : String(error),
      },
    ];
  }
  return { file, id, level, name, durationMs: performance.now() - started, failures };
}

function contains(one: Case, filter: string | undefined): boolean {
  if (filter === undefined) return true;
  return [one.id, one.category, one.name, one.specRef, one.file, ...one.tags].some((text) => text.includes(filter));
}

async function reset(target: Target): Promise<void> {
  const answer = await send({
    method: 'POST',
    url: new URL(`${target.url}/ojs/v1/admin/reset`),
    headers: authorization(target),
  });
  if (answer.status >= 300)
    throw new Error(`POST /ojs/v1/admin/reset answered ${answer.status}; is the server in test mode?`);
}

async function reach(target: Target): Promise<void> {
  try {
    await send({ method: 'GET', url: new URL(`${target.url}/ojs/v1/health`), headers: authorization(target) });
  } catch (error) {
    throw new Error(`no server answers at ${target.url}`, { cause: error });
  }
}

function authorization({ token }: Target): Readonly<Record<string, string>> {
  return token === undefined ? {} : { Authorization: `Bearer ${token}` };
}
