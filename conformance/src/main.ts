import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { summaryOf, tableOf } from './report.ts';
import { runSuites } from './run.ts';

const usage = `usage: node conformance/src/main.ts --url URL [options]

  --url URL       base URL of the server, such as http://127.0.0.1:8080
  --suites DIR    run the cases of this folder instead of our own and those of OJS_SUITES
  --level N       only cases of exactly this level
  --filter TEXT   only cases whose id, category, name, tags or file contain the text
  --reset         POST /ojs/v1/admin/reset before each case (server in test mode)
  --token T       send Authorization: Bearer T
  --parallel N    run up to N of our own cases at once
  --json          print the report as JSON; the summary line goes to standard error`;

class UsageError extends Error {}

function settings() {
  try {
    const { values } = parseArgs({
      options: {
        url: { type: 'string' },
        suites: { type: 'string' },
        level: { type: 'string' },
        filter: { type: 'string' },
        token: { type: 'string' },
        parallel: { type: 'string' },
        reset: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

async function main(): Promise<number> {
  const { url, suites, level, filter, token, parallel, reset, json, help } = settings();
  if (help) {
    console.log(usage);
    return 0;
  }
  if (url === undefined || !/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new UsageError('--url takes a URL such as http://127.0.0.1:8080');
  const official = process.env.OJS_SUITES;
  const own = fileURLToPath(new URL('../cases', import.meta.url));
  const report = await runSuites({
    url,
    folders: suites === undefined ? [own, ...(official ? [official] : [])] : [suites],
    reset,
    ...(level === undefined ? {} : { level: integer(level, '--level', 0) }),
    ...(parallel === undefined ? {} : { parallel: integer(parallel, '--parallel', 1) }),
    ...(filter === undefined ? {} : { filter }),
    ...(token === undefined ? {} : { token }),
  });
  if (report.cases.length === 0) throw new UsageError('no case file matches');
  if (json) {
    console.log(JSON.stringify(report, null, 2));
    console.error(summaryOf(report));
  } else {
    console.log(tableOf(report));
    console.log(summaryOf(report));
  }
  return report.failed === 0 ? 0 : 1;
}

function integer(text: string, name: string, least: number): number {
  if (!/^\d+$/.test(text) || Number(text) < least)
    throw new UsageError(`${name} takes a whole number from ${least} on, not ${JSON.stringify(text)}`);
  return Number(text);
}

try {
  process.exitCode = await main();
} catch (error) {
  const wrongUsage =
    error instanceof UsageError || (error instanceof Error && 'code' in error && error.code === 'ENOENT');
  console.error(error instanceof Error ? error.message : String(error));
  if (wrongUsage) console.error(`\n${usage}`);
  process.exitCode = wrongUsage ? 2 : 1;
}
