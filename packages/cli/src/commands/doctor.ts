import { elements, members } from '@ojs-ts/core';
import type { Command } from 'commander';
import type { ServerFlags } from '../connection/server.ts';
import { type Item, text } from '../output/cells.ts';
import { type FormatFlags, printAnswer, takesJson } from '../output/format.ts';
import { serverCommand } from './command.ts';

/** `ojs doctor`: what is wrong. Ends with 1 where jobs are lost or stand still. */
export function doctorCommand(): Command {
  return takesJson(
    serverCommand<ServerFlags & FormatFlags>(
      'doctor',
      'say what is wrong, and what mends it',
      async (server, flags) => {
        const { text: answer } = await server.ask({ operation: 'system.doctor' });
        const findings = elements(members(answer).get('findings') ?? '[]').map((one): Item => JSON.parse(one));
        printAnswer(answer, flags, () =>
          findings.length === 0 ? 'Nothing is wrong.' : findings.map(described).join('\n\n'),
        );
        if (findings.some((finding) => text(finding, 'severity') === 'error')) process.exitCode = 1;
      },
    ),
  );
}

function described(finding: Item): string {
  const [severity, code] = [text(finding, 'severity'), text(finding, 'code')];
  return `${severity.toUpperCase()} ${code}: ${text(finding, 'message')}\n  ${text(finding, 'remedy')}`;
}
