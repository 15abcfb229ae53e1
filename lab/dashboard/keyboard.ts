import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';

type Role = Parameters<Page['getByRole']>[0];

/** So many presses of Tab are no way to a control. */
const mostTabs = 400;

const inEditor = 'Boolean(document.activeElement?.shadowRoot)';
/** An editor draws its own ring, in its shadow root. */
const showsFocus = `(() => {
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  return ${inEditor} || (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1);
})()`;

/** What Tab has missed, and where the focus could not be seen. */
export interface Walk {
  readonly missed: readonly string[];
  readonly unseen: readonly string[];
  /** Whether Tab came to the end of the page. */
  readonly ended: boolean;
}

/** A user without a mouse. Whatever is pressed has the focus, and the focus can be seen. */
export class Keyboard {
  readonly page: Page;
  readonly #url: string;

  constructor(page: Page, url: string) {
    this.page = page;
    this.#url = url;
  }

  /** Opens a place, and skips to its content. */
  async open(place: string): Promise<void> {
    await this.page.goto(this.#url + place);
    await this.page.getByRole('heading', { level: 1 }).waitFor();
    await this.press('link', 'Skip to content');
    await expect.poll(() => this.page.evaluate('document.activeElement.id')).toBe('main');
  }

  /** Tabs to a control. */
  async reach(target: Locator): Promise<void> {
    await target.waitFor();
    for (let tab = 0; tab < mostTabs; tab++) {
      if (await isFocused(target)) {
        expect(await this.page.evaluate(showsFocus), `the focus shows on ${target}`).toBe(true);
        return;
      }
      await this.#tab();
    }
    throw new Error(`No Tab leads to ${target}.`);
  }

  async key(...keys: readonly string[]): Promise<void> {
    for (const one of keys) await this.page.keyboard.press(one);
  }

  async press(role: Role, name: string | RegExp, within: Locator = this.page.locator('body')): Promise<void> {
    await this.reach(within.getByRole(role, { name, exact: true }).first());
    await this.key('Enter');
  }

  /** The button of the dialog that is open. */
  async confirm(name: string | RegExp): Promise<void> {
    await this.press('button', name, this.page.locator('dialog[open]').last());
  }

  /** Checks or unchecks. */
  async check(name: string | RegExp): Promise<void> {
    await this.reach(this.page.getByRole('checkbox', { name, exact: true }));
    await this.key('Space');
  }

  /** Replaces the text of a field or of an editor. */
  async write(label: string | RegExp, text: string): Promise<void> {
    const open = this.page.locator('dialog[open]');
    const within = (await open.count()) > 0 ? open.last() : this.page.locator('main');
    // A field with suggestions is a combobox.
    const suggesting = within.getByRole('combobox', { name: label, exact: true });
    await this.reach(within.getByRole('textbox', { name: label, exact: true }).or(suggesting).first());
    await this.key('Control+a');
    await this.page.keyboard.insertText(text);
  }

  /** By the first letters of an option, as a closed list takes them. */
  async pick(label: string, option: string): Promise<void> {
    const list = this.page.getByRole('combobox', { name: label, exact: true });
    await this.reach(list);
    await this.page.keyboard.type(option);
    expect(await list.locator('option:checked').textContent()).toBe(option);
  }

  /** An item of a menu. Escape closes the menu and leaves the focus on its button. */
  async choose(button: string | RegExp, item: string | RegExp): Promise<void> {
    const opener = this.page.getByRole('button', { name: button, exact: true }).first();
    const entry = this.page.getByRole('menuitem', { name: item, exact: true });
    await this.reach(opener);
    await this.key('Enter');
    await this.#arrowTo(entry);
    await this.key('Escape');
    await entry.waitFor({ state: 'hidden' });
    await expect.poll(() => isFocused(opener), { message: `the focus is back on ${opener}` }).toBe(true);
    await this.key('Enter');
    await this.#arrowTo(entry);
    await this.key('Enter');
  }

  /** A button or link that opens a dialog. */
  async ask(name: string | RegExp, within: Locator = this.page.locator('body')): Promise<void> {
    const link = within.getByRole('link', { name, exact: true });
    const opener = within.getByRole('button', { name, exact: true }).or(link).first();
    await this.#opensDialog(opener, async () => {
      await this.reach(opener);
      await this.key('Enter');
    });
  }

  /** An item of a menu that opens a dialog. */
  async askByMenu(button: string | RegExp, item: string | RegExp): Promise<void> {
    const opener = this.page.getByRole('button', { name: button, exact: true }).first();
    await this.#opensDialog(opener, () => this.choose(button, item));
  }

  /** Tabs through the whole page. */
  async walk(): Promise<Walk> {
    await this.page.evaluate(beginWalk);
    let ended = false;
    for (let tab = 0; !ended && tab < 3_000; tab++) {
      await this.#tab();
      ended = await this.page.evaluate('window.walk.isOver()');
    }
    const { missed, unseen }: Walk = await this.page.evaluate('window.walk.end()');
    return { missed, unseen, ended };
  }

  /** The focus goes into the dialog, and back to its opener when Escape closes it; then the dialog is opened again. */
  async #opensDialog(opener: Locator, open: () => Promise<void>): Promise<void> {
    const dialogs = this.page.locator('dialog[open]');
    const before = await dialogs.count();
    await open();
    await expect.poll(() => dialogs.count(), { message: `${opener} opens a dialog` }).toBe(before + 1);
    const focusIn = "[...document.querySelectorAll('dialog[open]')].at(-1)?.contains(document.activeElement) === true";
    await expect.poll(() => this.page.evaluate(focusIn), { message: 'the focus is in the dialog' }).toBe(true);
    // The first Escape belongs to an editor.
    if (await this.page.evaluate(inEditor)) await this.key('Escape');
    await this.key('Escape');
    await expect.poll(() => dialogs.count(), { message: 'Escape closes the dialog' }).toBe(before);
    await expect.poll(() => isFocused(opener), { message: `the focus is back on ${opener}` }).toBe(true);
    await open();
    await expect.poll(() => dialogs.count()).toBe(before + 1);
  }

  async #arrowTo(entry: Locator): Promise<void> {
    await entry.waitFor();
    for (let step = 0; step < 30; step++) {
      if (await isFocused(entry)) {
        expect(await this.page.evaluate(showsFocus), `the focus shows on ${entry}`).toBe(true);
        return;
      }
      await this.key('ArrowDown');
    }
    throw new Error(`No arrow key leads to ${entry}.`);
  }

  async #tab(): Promise<void> {
    // Tab indents there.
    if (await this.page.evaluate(inEditor)) await this.key('Escape');
    await this.key('Tab');
  }
}

function isFocused(target: Locator): Promise<boolean> {
  return target.evaluate((element) => element.matches(':focus'));
}

/** Arrow keys lead to the other tabs of a list, and to the items of an open menu. */
const beginWalk = `{
  const focusable = 'a[href], button, input, select, textarea, summary, [tabindex], [contenteditable="true"]';
  const isControl = (one) => !one.disabled && one.checkVisibility({ visibilityProperty: true }) &&
    !one.matches('main, [role="tab"][tabindex="-1"], [role="option"], .subject-name');
  const nameOf = (one) => (one.tagName + ' ' + (one.getAttribute('aria-label') ?? one.textContent)).trim().slice(0, 80);
  const controls = [...document.querySelectorAll(focusable)].filter(isControl);
  const seen = new Set();
  const unseen = new Set();
  let last = null;
  let isOver = false;
  document.activeElement?.blur();
  addEventListener('focusin', ({ target }) => {
    if (seen.has(target)) isOver = true;
    seen.add(target);
    last = target;
    const { outlineStyle, outlineWidth } = getComputedStyle(target);
    if (target.shadowRoot === null && (outlineStyle === 'none' || parseFloat(outlineWidth) < 1)) unseen.add(nameOf(target));
  });
  window.walk = {
    isOver: () => isOver || (last !== null && document.activeElement === document.body),
    end: () => ({
      missed: controls.filter((one) => one.isConnected && isControl(one) && !seen.has(one)).map(nameOf),
      unseen: [...unseen],
    }),
  };
}`;
