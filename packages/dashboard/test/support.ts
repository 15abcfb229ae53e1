import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Worker } from '@ojs-ts/sdk';
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Dashboard } from './dashboard.ts';

/** The playground as somebody sees it. */
export class Playground {
  readonly page: Page;
  readonly editor: Locator;
  readonly events: Locator;
  /** The state of what is followed. */
  readonly state: Locator;
  readonly alert: Locator;
  readonly #dashboard: Dashboard;

  constructor(dashboard: Dashboard) {
    const { page } = dashboard;
    this.#dashboard = dashboard;
    this.page = page;
    this.editor = page.getByRole('textbox', { name: /^Body of POST/ });
    this.events = page.getByRole('log', { name: 'Events' }).getByRole('listitem');
    this.state = page.getByRole('status', { name: 'State' });
    this.alert = page.getByRole('alert');
  }

  async open(search = ''): Promise<void> {
    await this.#dashboard.open(`playground${search}`);
    await this.editor.waitFor();
  }

  /** The text of the editor. */
  async written(): Promise<string> {
    return (await this.editor.locator('.cm-line').allTextContents()).join('\n');
  }

  async tab(name: 'Job' | 'Workflow' | 'Cron'): Promise<void> {
    await this.page.getByRole('tab', { name }).click();
    await this.page
      .getByRole('textbox', { name: `Body of POST /ojs/v1/${name === 'Cron' ? 'cron' : `${name.toLowerCase()}s`}` })
      .waitFor();
  }

  async example(label: string): Promise<void> {
    await this.page.getByLabel('Example').selectOption({ label });
  }

  /** Waits until something is refused, or something else is followed. */
  async send(body?: unknown): Promise<void> {
    if (body !== undefined) await this.editor.fill(typeof body === 'string' ? body : JSON.stringify(body));
    const shown = this.page.locator('.subject-id');
    const before = await shown.allTextContents();
    await this.press();
    await expect
      .poll(async () => (await this.alert.count()) > 0 || (await shown.allTextContents()).join() !== before.join())
      .toBe(true);
  }

  async press(): Promise<void> {
    await this.page.getByRole('button', { name: 'Send' }).click();
  }

  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }

  /** One of those that were sent before. */
  async again(name: string): Promise<void> {
    await this.page.getByRole('navigation', { name: 'Sent from this page' }).getByRole('button', { name }).click();
  }

  /** Waits until what is followed is in this state, and is shown in full. */
  async reaches(state: string): Promise<void> {
    await this.state.filter({ hasText: new RegExp(`^${state}$`) }).waitFor();
    await expect.poll(() => this.json()).toContain(`"state": "${state}"`);
  }

  async json(): Promise<string> {
    return (await this.page.getByRole('group', { name: 'Current JSON' }).textContent()) ?? '';
  }

  async id(): Promise<string> {
    return (await this.page.locator('.subject-id').textContent()) ?? '';
  }

  /** The kinds of the events, with the state that each tells. */
  async eventTexts(): Promise<readonly string[]> {
    const rows = await this.events.all();
    return Promise.all(
      rows.map(async (row) =>
        [await row.locator('code').textContent(), ...(await row.locator('.badge').allTextContents())].join(' '),
      ),
    );
  }

  /** Waits until these events are there, and no others. */
  async hasEvents(events: readonly string[]): Promise<void> {
    await expect.poll(() => this.eventTexts()).toEqual(events);
  }
}

/** What the worker of `npm start` does with the types of the examples, in milliseconds where it takes seconds. */
export function startWorker(url: string): Worker & AsyncDisposable {
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const worker = new Worker(url, {
    queues: ['default'],
    concurrency: 10,
    handleSignals: false,
    shutdownTimeout: '50ms',
    logger,
  });
  worker.register('hello', async ({ args }) => ({ hello: args }));
  worker.register('demo.flaky', async ({ attempt }) => {
    if (attempt <= 2) throw new Error(`attempt ${attempt} fails on purpose`);
    return { attempts: attempt };
  });
  worker.register('demo.doomed', async ({ args: [message] }) => {
    throw new TypeError(typeof message === 'string' ? message : 'this job never succeeds');
  });
  worker.register('demo.slow', async ({ progress, signal }) => {
    await progress(25, 'under way');
    await setTimeout(60_000, undefined, { signal });
  });
  const running = worker.start();
  return Object.assign(worker, {
    async [Symbol.asyncDispose]() {
      await worker.stop();
      await running;
    },
  });
}

export function temporaryFile(): string {
  return join(mkdtempSync(join(tmpdir(), 'ojs-playground-')), 'jobs.db');
}
