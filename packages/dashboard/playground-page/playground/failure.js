import { ApiError, recordOf, recordsOf, textOf } from './api.js';
import { button, byId, element } from './element.js';
import { pretty } from './json.js';

const shown = byId('failure', HTMLElement);

/** Takes away what was shown. */
export function hideFailure() {
  shown.hidden = true;
  shown.replaceChildren();
}

/** What was refused and why, in the server's words. @param {unknown} error @param {(jobId: string) => void} open shows the job that stands in the way */
export function showFailure(error, open) {
  shown.hidden = false;
  if (byId('run', HTMLElement).hidden) byId('empty', HTMLElement).hidden = true;
  if (!(error instanceof ApiError)) {
    shown.replaceChildren(element('p', {}, error instanceof Error ? error.message : String(error)));
    return;
  }
  const details = recordOf(error.more.details);
  const fields = recordsOf(details.validation_errors).map(({ path, message }) => ({
    path: textOf(path),
    message: textOf(message),
  }));
  const isInFields = fields.some(({ path, message }) => error.message === `${path}: ${message}`);
  const existing = textOf(details.existing_job_id);
  const facts = [
    ['Hint', textOf(error.more.hint)],
    ['Request', textOf(error.more.request_id)],
  ].filter(([, text]) => text !== '');
  const withoutFields = Object.fromEntries(Object.entries(details).filter(([name]) => name !== 'validation_errors'));
  shown.replaceChildren(
    element(
      'p',
      { class: 'failure-head' },
      element('strong', {}, error.code),
      error.status > 0 ? ` HTTP ${error.status}` : '',
    ),
    ...(isInFields ? [] : [element('p', {}, error.message)]),
    ...(fields.length === 0
      ? []
      : [
          element(
            'ul',
            {},
            ...fields.map(({ path, message }) => element('li', {}, element('code', {}, path), ` ${message}`)),
          ),
        ]),
    ...(Object.keys(withoutFields).length === 0
      ? []
      : [element('pre', { class: 'details' }, pretty(JSON.stringify(withoutFields)))]),
    ...(facts.length === 0
      ? []
      : [
          element(
            'dl',
            {},
            ...facts.flatMap(([name = '', text = '']) => [element('dt', {}, name), element('dd', {}, text)]),
          ),
        ]),
    ...(existing === '' ? [] : [button('Show the existing job', () => open(existing))]),
  );
}
