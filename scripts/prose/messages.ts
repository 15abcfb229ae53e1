// All places that make a text for people: errors with their hints, log lines, help, descriptions, pages of the dashboard.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
// TypeScript 7 has no interface for programs yet.
import ts from 'typescript-api';

export type MessageKind = 'message' | 'log' | 'help' | 'dashboard';

export interface Message {
  readonly file: string;
  readonly line: number;
  readonly kind: MessageKind;
  /** With `…` for each value that the program fills in. */
  readonly text: string;
}

/** Attributes of JSX and properties whose strings no reader sees. */
const unseen = /^(?:className|class|code|command|d|style|key|type|href|to|role|id|viewBox|points|sql|fields|selector)$/;
/** Calls whose strings are code, or only compared with other text. */
const compared =
  /\.(?:startsWith|endsWith|includes|indexOf|split|join|querySelector\w*|replace\w*|test|exec|execute|run|prepare)$/;
const logs = /\blog(?:ger)?(?:\.\w+|\[\w+\])$|#(?:warn|info|log)$/i;
/** Classes and functions that make an error of their text. */
const errors =
  /(?:Error|Failure|Unavailable|Unwritable|Delivery|Issue)(?:\.of)?$|^(?:super|fail|refuse\w*|wrong\w*|invalid\w*|conflict|denied|refusal|warning|error|finding)$|[.#](?:issue|add|wrong|refuse\w*|denied|error|fail\w*|#\w*[eE]rror|lacks)$/;
const errorProperties = /^(?:message|hint|remedy|expected|problem|reason|detail|advice)$/;
/** Statements and code of other languages. */
const foreign =
  /\b(?:SELECT|INSERT|UPDATE|DELETE FROM|CREATE|ALTER|WHERE|JOIN|PRAGMA|BEGIN|COMMIT|ORDER BY|redis\.call|local \w+ =)\b|=>|;\n|^\s*\{ "|var\(--|\) \{|^\s*[a-z-]+( [a-z]+-[a-z-]+)+\s*$/;
/** Two words that follow one another. */
const isProse = (text: string) => /\p{L}{2,}[,:;]?\s+(?:…|\p{L}{2,})|…\s\p{L}{2,}/u.test(text) && !foreign.test(text);

/** The text of an expression, or nothing if it is no text. Texts in parentheses of a sum are parts of it. */
function textOf(node: ts.Node): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isJsxText(node)) return node.text.replaceAll(/\s+/g, ' ');
  if (ts.isParenthesizedExpression(node)) return textOf(node.expression);
  if (ts.isTemplateExpression(node)) {
    return node.head.text + node.templateSpans.map((span) => `…${span.literal.text}`).join('');
  }
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const [left, right] = [textOf(node.left), textOf(node.right)];
    return left === undefined && right === undefined ? undefined : `${left ?? '…'}${right ?? '…'}`;
  }
  return undefined;
}

function nameOf(node: ts.Node, source: ts.SourceFile): string | undefined {
  if (ts.isCallExpression(node) || ts.isNewExpression(node)) return node.expression.getText(source);
  if (ts.isPropertyAssignment(node) || ts.isJsxAttribute(node)) return node.name.getText(source);
  return undefined;
}

function kindOf(file: string, names: readonly string[], text: string): MessageKind | undefined {
  if (/^packages\/dashboard\/app\//.test(file)) return 'dashboard';
  const [name = ''] = names;
  if (logs.test(name)) return 'log';
  // Descriptions of metrics.
  if (/\/(?:metrics|telemetry)\//.test(file)) return 'help';
  if (names.some((each) => errors.test(each) || errorProperties.test(each))) return 'message';
  if (/^packages\/(?:cli|create)\/|^packages\/core\/src\/(?:options|schemas)\//.test(file)) return 'help';
  return /[.!?]$/.test(text) && text.split(' ').length > 3 ? 'message' : undefined;
}

/** The texts of a file. */
export function messagesIn(file: string, code: string): readonly Message[] {
  const found: Message[] = [];
  const source = ts.createSourceFile(
    file,
    code,
    ts.ScriptTarget.Latest,
    false,
    file.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS,
  );
  const visit = (node: ts.Node, names: readonly string[]) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isTypeNode(node)) return;
    if (ts.isTaggedTemplateExpression(node)) return;
    const name = nameOf(node, source);
    if (name !== undefined && (unseen.test(name) || compared.test(name))) return;
    const text = textOf(node);
    if (text !== undefined) {
      const kind = isProse(text) ? kindOf(file, names, text.trim()) : undefined;
      if (kind !== undefined) {
        const start = ts.isJsxText(node) ? node.pos + (/^\s*/.exec(node.text)?.[0].length ?? 0) : node.getStart(source);
        const { line } = source.getLineAndCharacterOfPosition(start);
        found.push({ file, line: line + 1, kind, text: text.trim().replaceAll(/\s+/g, ' ') });
        // Only the values of the text can hold another one.
        ts.forEachChild(node, (child) => visitValues(child, names));
        return;
      }
    }
    const inner = name === undefined ? names : [name, ...names].slice(0, 2);
    ts.forEachChild(node, (child) => visit(child, inner));
  };
  const visitValues = (node: ts.Node, names: readonly string[]) => {
    if (ts.isTemplateSpan(node)) visit(node.expression, names);
    else if (textOf(node) === undefined) visit(node, names);
    else ts.forEachChild(node, (child) => visitValues(child, names));
  };
  visit(source, []);
  return found;
}

/** The texts of all packages, in the order of their files. */
export function readMessages(root: string): readonly Message[] {
  const files = globSync('packages/{core,sdk,server,cli,create,dashboard}/{src,app}/**/*.{ts,tsx}', { cwd: root });
  return files.toSorted().flatMap((file) => messagesIn(file, readFileSync(join(root, file), 'utf8')));
}
