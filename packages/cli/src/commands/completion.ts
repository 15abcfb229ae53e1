import { Argument, Command } from 'commander';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** Each asks `ojs complete` for the words that may come next. */
const scripts: Readonly<Record<Shell, string>> = {
  bash: `_ojs() { mapfile -t COMPREPLY < <(compgen -W "$(ojs complete "\${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"); }
complete -o default -F _ojs ojs`,
  zsh: `#compdef ojs
_ojs() { compadd -- \${(f)"$(ojs complete "\${(@)words[2,CURRENT-1]}" 2>/dev/null)"} }
compdef _ojs ojs`,
  fish: `complete -c ojs -f -a '(ojs complete (commandline -opc)[2..] 2>/dev/null)'`,
};

/** `ojs completion`, and `ojs complete`, which its scripts call. */
export function completionCommands(): readonly [completion: Command, complete: Command] {
  const completion = new Command('completion')
    .description('print a script that completes commands: source <(ojs completion bash)')
    .addArgument(new Argument('<shell>').choices(shells))
    .action((shell: Shell) => console.log(scripts[shell]));
  const complete = new Command('complete')
    .argument('[words...]')
    .allowUnknownOption()
    .helpOption(false)
    .action(function (this: Command, words: readonly string[]) {
      const root = this.parent;
      if (root !== null) console.log(wordsAfter(root, words).join('\n'));
    });
  return [completion, complete];
}

/** Commands and options that may follow the words. */
function wordsAfter(root: Command, words: readonly string[]): readonly string[] {
  let command = root;
  for (const word of words) command = command.commands.find((one) => one.name() === word) ?? command;
  const help = command.createHelp();
  const commands = help.visibleCommands(command).map((one) => one.name());
  const options = help.visibleOptions(command).flatMap(({ long }) => long ?? []);
  return [...commands, ...options];
}
