import { parseArgs } from 'node:util';

export interface Options {
  readonly seed: number;
  readonly seeds: number;
  readonly storage: string;
  /** File for the trace. */
  readonly trace: string | null;
  /** File for the history, in the format of the checker. */
  readonly history: string | null;
  /** Numbers of steps that are left out. */
  readonly without: ReadonlySet<number>;
  readonly twice: boolean;
  readonly limitMs: number;
  readonly untilFailure: boolean;
  readonly quiet: boolean;
  /** Processes at once. */
  readonly jobs: number;
  /** A bug of `lab/bugs`, as `TABLE/NAME`. */
  readonly bug: string | null;
  /** Files with scenarios, in place of seeds. */
  readonly cases: readonly string[];
  /** Folder for the shrunk scenario of the first failure; null shrinks nothing. */
  readonly shrink: string | null;
  readonly shrinkMs: number;
  readonly chaosMs: number;
  /** One line of JSON a seed, for a process that started this one. */
  readonly json: boolean;
}

export const usage = `npm run simulate -- [options]
  --seed N           the first seed (1)
  --seeds N          how many seeds (1)
  --storage URL      memory:, sqlite:, postgres://… or redis://… (a real server's namespace is emptied, and has one process)
  --trace [FILE]     write what happens, line by line (trace.log)
  --history FILE     write the history that the checker judges
  --without 3,7      leave out steps
  --twice            run each seed twice and compare the hashes
  --limit-ms N       begin no seed after so long
  --until-failure    stop at the first failure
  --quiet            print failures and the summary only
  --jobs N           so many processes at once
  --bug TABLE/NAME   plant a bug of lab/bugs, such as simulation/no-fence or cases/chain-starts-all
  --case FILE        run a scenario from a file; may be given several times
  --shrink FOLDER    shrink the first failure and write it there
  --shrink-ms N      for at most so long (120000)
  --chaos-ms N       length of work and faults (60000)`;

/** @throws Error for an option that is unknown or malformed. */
export function readOptions(args: readonly string[]): Options {
  const given = args.flatMap((arg, index) =>
    arg === '--trace' && (args[index + 1] ?? '--').startsWith('--') ? ['--trace', 'trace.log'] : [arg],
  );
  const { values } = parseArgs({
    args: given,
    options: {
      seed: { type: 'string', default: '1' },
      seeds: { type: 'string', default: '1' },
      storage: { type: 'string', default: 'memory:' },
      trace: { type: 'string' },
      history: { type: 'string' },
      without: { type: 'string', default: '' },
      twice: { type: 'boolean', default: false },
      'limit-ms': { type: 'string', default: '86400000' },
      'until-failure': { type: 'boolean', default: false },
      quiet: { type: 'boolean', default: false },
      jobs: { type: 'string', default: '1' },
      bug: { type: 'string' },
      case: { type: 'string', multiple: true, default: [] },
      shrink: { type: 'string' },
      'shrink-ms': { type: 'string', default: '120000' },
      'chaos-ms': { type: 'string', default: '60000' },
      json: { type: 'boolean', default: false },
    },
  });
  const storage = storageOf(values.storage);
  const jobs = whole('jobs', values.jobs, 1);
  if (jobs > 1 && storage.includes('//'))
    throw new Error(
      `--jobs is ${jobs}; expected 1 with ${storage.split('://')[0]}://, ` +
        "because processes would empty each other's namespace. Run a process for each namespace.",
    );
  const without = values.without === '' ? [] : values.without.split(',').map((text) => whole('without', text, 0));
  return {
    seed: whole('seed', values.seed, 0),
    seeds: whole('seeds', values.seeds, 1),
    storage,
    trace: values.trace ?? null,
    history: values.history ?? null,
    without: new Set(without),
    twice: values.twice,
    limitMs: whole('limit-ms', values['limit-ms'], 1),
    untilFailure: values['until-failure'],
    quiet: values.quiet,
    jobs,
    bug: values.bug ?? null,
    cases: values.case,
    shrink: values.shrink ?? null,
    shrinkMs: whole('shrink-ms', values['shrink-ms'], 1),
    chaosMs: whole('chaos-ms', values['chaos-ms'], 1_000),
    json: values.json,
  };
}

function whole(name: string, text: string, min: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= min && text.trim() !== '') return value;
  throw new Error(`--${name} is ${JSON.stringify(text)}; expected a whole number of at least ${min}`);
}

function storageOf(url: string): string {
  if (/^(memory:|sqlite:)$|^(postgres(ql)?|rediss?):\/\//.test(url)) return url;
  throw new Error(`--storage is ${JSON.stringify(url)}; expected memory:, sqlite:, postgres://… or redis://…`);
}
