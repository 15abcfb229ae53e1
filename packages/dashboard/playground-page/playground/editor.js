import { button, byId, element } from './element.js';
import { examples } from './examples.js';
import { pretty, problemOf } from './json.js';

/** @typedef {import('./examples.js').Kind} Kind */

const text = byId('editor', HTMLTextAreaElement);
const lines = byId('lines', HTMLElement);
const problem = byId('problem', HTMLElement);
const example = byId('example', HTMLSelectElement);
const about = byId('about', HTMLElement);

/** What was written for the kinds that are not shown. @type {Map<Kind, { readonly example: number, readonly text: string }>} */
const drafts = new Map();
/** @type {Kind} */
let kind = 'job';
/** @type {(text: string) => void} */
let changed = () => {};

/** @param {(text: string) => void} told of each new text */
export function onChange(told) {
  changed = told;
}

export function currentKind() {
  return kind;
}

/** @param {Kind} next */
export function showKind(next) {
  drafts.set(kind, { example: example.selectedIndex, text: text.value });
  kind = next;
  example.replaceChildren(...examples[kind].map(({ name }) => element('option', {}, name)));
  const draft = drafts.get(kind);
  example.selectedIndex = Math.max(0, draft?.example ?? 0);
  write(draft && draft.text !== '' ? draft.text : (chosen()?.text ?? ''));
}

/** The text where it is JSON; otherwise null, and the place is shown. */
export function validText() {
  const found = showProblem();
  if (found === null) return text.value;
  goTo(found.offset);
  return null;
}

function chosen() {
  return examples[kind][example.selectedIndex];
}

/** @param {string} value */
function write(value) {
  text.value = value;
  about.textContent = chosen()?.about ?? '';
  edited();
}

function edited() {
  const count = text.value.split('\n').length;
  if (lines.childElementCount !== count)
    lines.replaceChildren(...Array.from({ length: count }, (_, index) => element('span', {}, String(index + 1))));
  // A problem that was shown goes as soon as it is mended; a new one waits until somebody pauses or sends.
  if (problem.childElementCount > 0) showProblem();
  changed(text.value);
}

/** @param {number} offset */
function goTo(offset) {
  text.focus();
  text.setSelectionRange(offset, Math.min(text.value.length, offset + 1));
}

/** The first problem of the text, and shows it. */
function showProblem() {
  const found = problemOf(text.value);
  text.setAttribute('aria-invalid', String(found !== null));
  for (const [index, line] of [...lines.children].entries()) line.classList.toggle('wrong', index + 1 === found?.line);
  if (found === null) {
    problem.replaceChildren();
    return null;
  }
  const place = button(`Line ${found.line}, column ${found.column}`, () => goTo(found.offset), 'link');
  problem.replaceChildren(place, `: ${found.message}.`);
  return found;
}

text.addEventListener('input', edited);
text.addEventListener('change', showProblem);
text.addEventListener('scroll', () => {
  lines.scrollTop = text.scrollTop;
});
example.addEventListener('change', () => write(chosen()?.text ?? ''));
byId('reset', HTMLButtonElement).addEventListener('click', () => write(chosen()?.text ?? ''));
byId('format', HTMLButtonElement).addEventListener('click', () => {
  const valid = validText();
  if (valid !== null) write(pretty(valid));
});
