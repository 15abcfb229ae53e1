import type { Locator, Page } from 'playwright-core';

type Role = Parameters<Page['getByRole']>[0];

/** A user at the dashboard, whose actions are counted: a click, a key, a filled field and an opened address are one each. */
export class Operator {
  readonly page: Page;
  readonly #url: string;
  #actions: string[] = [];

  constructor(page: Page, url: string) {
    this.page = page;
    this.#url = url;
    page.setDefaultTimeout(15_000);
  }

  /** Begins a task on the overview. */
  async begin(): Promise<void> {
    await this.page.goto(this.#url);
    await this.page.getByRole('heading', { level: 1 }).waitFor();
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
    this.#actions.push(shown);
    const exact = typeof name === 'string';
    await this.page.getByRole(role, { name, exact }).first().click();
  }

  /** Fills a field by its label. */
  async fill(label: string, text: string): Promise<void> {
    this.#actions.push(label);
    const fields = this.page.locator('input, select, textarea, [contenteditable="true"]');
    await this.page.getByLabel(label, { exact: true }).and(fields).first().fill(text);
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
