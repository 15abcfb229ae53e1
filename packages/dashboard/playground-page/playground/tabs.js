import { byId } from './element.js';

/** @typedef {import('./examples.js').Kind} Kind */

const list = byId('tabs', HTMLElement);
const panel = byId('panel', HTMLFormElement);
const tabs = [...list.querySelectorAll('button')];

/** One of several, by pointer or by arrow keys. @param {(kind: Kind) => void} chosen */
export function startTabs(chosen) {
  /** @param {HTMLButtonElement} tab */
  const choose = (tab) => {
    for (const one of tabs) {
      one.setAttribute('aria-selected', String(one === tab));
      one.tabIndex = one === tab ? 0 : -1;
    }
    panel.setAttribute('aria-labelledby', tab.id);
    const { kind } = tab.dataset;
    if (kind === 'job' || kind === 'workflow' || kind === 'cron') chosen(kind);
  };
  for (const [index, tab] of tabs.entries()) {
    tab.addEventListener('click', () => choose(tab));
    tab.addEventListener('keydown', ({ key }) => {
      const to = { ArrowRight: index + 1, ArrowLeft: index - 1 + tabs.length, Home: 0, End: tabs.length - 1 }[key];
      const next = to === undefined ? undefined : tabs[to % tabs.length];
      if (next === undefined) return;
      next.focus();
      choose(next);
    });
  }
  const [first] = tabs;
  if (first) choose(first);
}
