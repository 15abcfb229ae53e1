import type { Locator, Page } from 'playwright-core';

type Role = Parameters<Page['getByRole']>[0];

/** A user at the dashboard, whose actions are counted: a click, a key, a filled field and an opened address are one each. */
export class Operator {
  readonly page: Page;
  readonly #url: string;
  readonly #home: Locator;
  #actions: string[] = [];

  /** @param home What the first page shows when it is there; by default its title. */
  constructor(page: Page, url: string, home: Locator = page.getByRole('heading', { level: 1 })) {
    this.page = page;
    this.#url = url;
    this.#home = home;
    page.setDefaultTimeout(15_000);
  }

  /** Begins a task on the overview. */
  async begin(): Promise<void> {
    await this.page.goto(this.#url);
    await this.#home.first().waitFor();
    this.#actions = [];
  }

  /** What was done, such as `Jobs → Query`. */
  get actions(): readonly string[] {
    return this.#actions;
  }

  /** An address that somebody knows by an id or a name: from a log, an alert, a colleague. */
  async address(place: string, shown: string): Promise<void> {
    this.#actions.push(`address \`${shown}\``);
    await this.page.goto(this.#url + place);
  }

  async click(role: Role, name: string | RegExp, shown: string = String(name)): Promise<void> {
    const exact = typeof name === 'string';
    await this.clickOn(this.page.getByRole(role, { name, exact }), shown);
  }

  /** Clicks what has no name of its own. */
  async clickOn(place: Locator, shown: string): Promise<void> {
    this.#actions.push(shown);
    await place.first().click();
  }

  /** Fills a field by its label. */
  async fill(label: string, text: string): Promise<void> {
    const fields = this.page.locator('input, select, textarea, [contenteditable="true"]');
    await this.fillIn(this.page.getByLabel(label, { exact: true }).and(fields), label, text);
  }

  /** Fills a field that has no label of its own. */
  async fillIn(field: Locator, shown: string, text: string): Promise<void> {
    this.#actions.push(shown);
    await field.first().fill(text);
  }

  /** Chooses from a list. */
  async choose(list: Locator, shown: string, option: string): Promise<void> {
    this.#actions.push(shown);
    await list.first().selectOption(option);
  }

  async press(key: string): Promise<void> {
    this.#actions.push(key);
    await this.page.keyboard.press(key);
  }

  async sees(text: string | RegExp | Locator): Promise<void> {
    const place = typeof text === 'string' || text instanceof RegExp ? this.page.getByText(text) : text;
    await place.first().waitFor();
  }
}
