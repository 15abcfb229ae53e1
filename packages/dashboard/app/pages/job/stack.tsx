import { CopyButton } from '../../ui/copy.tsx';

const library = /node_modules[\\/]|node:|\binternal[\\/]|<anonymous>|site-packages|\/gems\/|\/vendor\//;

/** The frames of an error. Frames of libraries are folded, so that the user's own are easy to see. */
export function Stack({ frames }: { readonly frames: readonly string[] }) {
  return (
    <div className="stack-frames">
      <ol>
        {folded(frames).map(({ at, lines, isLibrary }) => (
          <li key={at}>
            {isLibrary && lines.length > 1 ? (
              <details>
                <summary>{lines.length} frames of libraries</summary>
                <pre>{lines.join('\n')}</pre>
              </details>
            ) : (
              <pre data-library={isLibrary}>{lines.join('\n')}</pre>
            )}
          </li>
        ))}
      </ol>
      <CopyButton text={frames.join('\n')} what="the stack" />
    </div>
  );
}

interface Group {
  readonly at: number;
  readonly lines: readonly string[];
  readonly isLibrary: boolean;
}

/** The first frame always shows: the error was thrown there. */
function folded(frames: readonly string[]): readonly Group[] {
  const groups: Group[] = [];
  for (const [at, line] of frames.entries()) {
    const isLibrary = at > 0 && library.test(line);
    const last = groups.at(-1);
    if (last?.isLibrary === isLibrary) groups[groups.length - 1] = { ...last, lines: [...last.lines, line] };
    else groups.push({ at, lines: [line], isLibrary });
  }
  return groups;
}
