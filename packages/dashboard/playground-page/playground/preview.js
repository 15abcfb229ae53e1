import { ApiError, call, fieldsOf, textOf } from './api.js';
import { byId, element } from './element.js';

const shown = byId('preview', HTMLElement);
const heading = byId('preview-heading', HTMLElement);
const list = byId('preview-runs', HTMLElement);
/** Typing goes on for so long, in milliseconds. */
const settleMs = 300;
const count = 5;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let asked = '';

/** Shows when the cron in the text would run next, by the server's own reckoning. @param {string} text @param {boolean} wanted */
export function preview(text, wanted) {
  shown.hidden = !wanted;
  const cron = fieldsOf(text);
  const expression = textOf(cron.cron) || textOf(cron.expression) || textOf(cron.schedule);
  const timezone = textOf(cron.timezone) || 'UTC';
  const question = JSON.stringify({ expression, timezone, count });
  if (!wanted || expression === '' || question === asked) return;
  asked = question;
  clearTimeout(timer);
  timer = setTimeout(() => ask(question, timezone), settleMs);
}

/** @param {string} question @param {string} timezone */
async function ask(question, timezone) {
  try {
    const { body } = await call('POST', 'cron/preview', question);
    if (question !== asked) return;
    const runs = Array.isArray(body.runs) ? body.runs.map(textOf) : [];
    heading.textContent = `Next runs (${timezone})`;
    list.replaceChildren(
      runs.length === 0
        ? element('p', {}, 'It never runs.')
        : element('ol', { class: 'runs' }, ...runs.map((at) => run(at, timezone))),
    );
  } catch (error) {
    if (question !== asked) return;
    // The same question may be asked again, once there is a token.
    asked = '';
    heading.textContent = 'Next runs';
    list.replaceChildren(element('p', {}, error instanceof ApiError ? error.message : String(error)));
  }
}

/** @param {string} at @param {string} timeZone */
function run(at, timeZone) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium', timeZone });
  return element('li', {}, element('time', { datetime: at, title: at }, format.format(new Date(at))));
}
