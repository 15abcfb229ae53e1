/** The element of the page with this id, of this class. @template {HTMLElement} T @param {string} id @param {new () => T} type @returns {T} */
export function byId(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} with the id ${id}`);
  return found;
}

/**
 * A new element. What is in it is text or elements, never HTML: jobs hold whatever somebody sent.
 *
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {{ readonly [attribute: string]: string }} attributes
 * @param {...(string | Node)} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

/** @param {string} text @param {() => void} act @param {string} [style] */
export function button(text, act, style = '') {
  const made = element('button', { type: 'button', class: style }, text);
  made.addEventListener('click', act);
  return made;
}

/** A state as a word with a colour beside it. @param {string} state */
export function badge(state) {
  const known = /^[a-z_]+$/.test(state) ? state : 'unknown';
  return element('span', { class: `badge ${known}` }, state);
}
