import { isObject } from '@ojs-ts/core';
import type { Command } from 'commander';
import { Failure } from '../connection/failure.ts';
import { type Item, text } from '../output/cells.ts';
import { printAnswer } from '../output/format.ts';
import { serverCommand } from './command.ts';

/** `ojs doctor`: what is wrong. Exits with 1 if jobs are lost or blocked. */
export function doctorCommand(): Command {
  return serverCommand(
    'doctor',
    'list problems of this server and its storage, each with the command that fixes it',
    { also: ['json'] },
    async (server, values) => {
      const { text: answer } = await server.ask({ operation: 'system.doctor' });
      const findings = findingsIn(answer);
      printAnswer(answer, values, () =>
        findings.length === 0 ? 'Nothing is wrong.' : findings.map(described).join('\n\n'),
      );
      if (findings.some((finding) => text(finding, 'severity') === 'error')) process.exitCode = 1;
    },
  );
}

/** @throws Failure if the answer is not the report of a server. */
function findingsIn(answer: string): readonly Item[] {
  try {
    const { findings }: Item = JSON.parse(answer);
    if (Array.isArray(findings) && findings.every(isObject)) return findings;
  } catch {
    // No JSON: the same failure.
  }
  throw new Failure(
    'failed',
    'The answer has no list of findings, so this is not an ojs-ts ' +
      'server, or an older one. Check --url, or update the server.',
  );
}

function described(finding: Item): string {
  const [severity, code] = [text(finding, 'severity'), text(finding, 'code')];
  // Older servers name no page.
  const lines = [text(finding, 'remedy'), text(finding, 'docs_url')].filter((line) => line !== '');
  return [`${severity.toUpperCase()} ${code}: ${text(finding, 'message')}`, ...lines].join('\n  ');
}
