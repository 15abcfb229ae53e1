import { Client } from '@ojs-ts/sdk';
import { type RunningServer, type ServerOptions, startServer } from '@ojs-ts/server';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { chromiumArgs, findChromium } from '../../server/test/support/browser/chromium.ts';

export const chromiumPath: string | null = findChromium();

let launched: Promise<Browser> | undefined;

/**
 * One browser for all test files of a process, because its start takes a second of processor time. Playwright ends it
 * with the process.
 */
export async function launch(): Promise<Browser> {
  if (launched === undefined || !(await launched).isConnected())
    launched = chromium.launch({ executablePath: chromiumPath ?? '', args: [...chromiumArgs] });
  return launched;
}

/** One page of a real browser at a dashboard. */
export class DashboardPage implements AsyncDisposable {
  readonly page: Page;
  /** Where the pages are: `http://127.0.0.1:PORT/dashboard/`. The places that are opened continue it. */
  readonly url: string;
  /** What the browser complained of: errors of scripts, violations of the policy. */
  readonly complaints: string[] = [];

  protected constructor(page: Page, url: string) {
    this.page = page;
    this.url = url;
    // For a machine that is several times as slow as usual; a step that hangs says where.
    page.setDefaultTimeout(20_000);
    page.on('pageerror', ({ message }) => this.complaints.push(message));
    page.on('dialog', (dialog) => this.complaints.push(`a dialog: ${dialog.message()}`));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type()) && !message.text().startsWith('Failed to load resource'))
        this.complaints.push(message.text());
    });
  }

  /** A page of a new context, which has no cookies yet. */
  static async at(url: string): Promise<DashboardPage> {
    return new DashboardPage(await newPage({}), url);
  }

  /** Opens a place such as `jobs?q=state:failed`, and waits until its title is there. */
  async open(place = ''): Promise<void> {
    await this.page.goto(this.url + place);
    await this.page.getByRole('heading', { level: 1 }).waitFor();
  }

  /** Waits until nothing on the page is on its way. */
  async settle(): Promise<void> {
    const busy = this.page.locator('[aria-label="Loading"], [aria-busy="true"]');
    // The first of them is gone when none is left.
    await busy.first().waitFor({ state: 'detached' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
  }
}

/** A real server with the dashboard, and one page of a real browser. */
export class Dashboard extends DashboardPage {
  readonly server: RunningServer;
  readonly client: Client;

  private constructor(server: RunningServer, client: Client, page: Page) {
    super(page, `${server.url}/dashboard/`);
    this.server = server;
    this.client = client;
  }

  /** @param options of the server; on memory without. */
  static async start(options: ServerOptions = {}, context: BrowserContextOptions = {}): Promise<Dashboard> {
    const server = await startServer({ storage: 'memory:', port: 0, log: false, ...options });
    return new Dashboard(server, new Client(server.url), await newPage(context));
  }

  /** Calls the server. Throws if it refuses. */
  readonly post = async (path: string, body: unknown, method = 'POST') => {
    const headers = { 'content-type': 'application/json' };
    const request = { method, headers, body: JSON.stringify(body) };
    const response = await fetch(`${this.server.url}/ojs/v1/${path}`, request);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  };

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await this.client.close();
    await this.server.close();
  }
}

async function newPage(context: BrowserContextOptions): Promise<Page> {
  const browser = await launch();
  const opened = await browser.newContext({
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    reducedMotion: 'reduce',
    viewport: { width: 1280, height: 800 },
    ...context,
  });
  return opened.newPage();
}
