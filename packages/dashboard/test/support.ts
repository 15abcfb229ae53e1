import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Worker } from '@ojs-ts/sdk';
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';

/** The playground as somebody sees it. Opened again it is a new page: another browser context would take a second of processor time. */
export class Playground implements AsyncDisposable {
  readonly page: Page;
  readonly editor: Locator;
  readonly events: Locator;
  /** The state of what is followed. */
  readonly state: Locator;
  /** What the browser complained of: errors of scripts, violations of the policy. Answers of the server are no complaints. */
  readonly complaints: string[] = [];
  /** Addresses that were asked for, with their methods. */
  readonly requests: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    this.editor = page.getByRole('textbox', { name: /^Body of POST/ });
    this.events = page.getByRole('log', { name: 'Events' }).getByRole('listitem');
    this.state = page.locator('#state');
    page.on('pageerror', ({ message }) => this.complaints.push(message));
    page.on('dialog', (dialog) => this.complaints.push(`a dialog: ${dialog.message()}`));
    page.on('request', (request) => this.requests.push(`${request.method()} ${request.url()}`));
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        this.complaints.push(message.text());
    });
  }

  static async open(page: Page, url: string): Promise<Playground> {
    const opened = new Playground(page);
    await page.goto(`${url}/playground`);
    await page.getByRole('status').filter({ hasText: 'ojs-ts' }).waitFor();
    return opened;
  }

  async tab(name: 'Job' | 'Workflow' | 'Cron'): Promise<void> {
    await this.page.getByRole('tab', { name }).click();
  }

  async example(label: string): Promise<void> {
    await this.page.getByLabel('Example').selectOption({ label });
  }

  async send(body?: unknown): Promise<void> {
    if (body !== undefined) await this.editor.fill(typeof body === 'string' ? body : JSON.stringify(body));
    await this.page.getByRole('button', { name: 'Send' }).click();
  }

  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }

  /** Waits until what is followed is in this state, and is shown in full. */
  async reaches(state: string): Promise<void> {
    await this.state.filter({ hasText: new RegExp(`^${state}$`) }).waitFor();
    await expect.poll(() => this.document()).toContain(`"state": "${state}"`);
  }

  async document(): Promise<string> {
    return (await this.page.locator('#document').textContent()) ?? '';
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.goto('about:blank');
    this.page.removeAllListeners();
  }
}

/** What the worker of `npm start` does with the types of the examples, in milliseconds where it takes seconds. */
export function startWorker(url: string, token?: string): Worker & AsyncDisposable {
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const worker = new Worker(url, {
    queues: ['default'],
    concurrency: 10,
    handleSignals: false,
    logger,
    ...(token !== undefined && { token }),
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
