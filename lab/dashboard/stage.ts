import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStorage } from '@ojs-ts/server';
import { Dashboard } from '../../packages/dashboard/test/dashboard.ts';
import { fill } from './fill.ts';
import { Operator } from './operator.ts';
import { type Scene, setScene, type Task } from './tasks.ts';

/** What the tasks of an operator are done on: servers with jobs, and an operator before each. */
export class Stage implements AsyncDisposable {
  readonly scene: Scene;
  readonly #open: Dashboard;
  readonly #guarded: Dashboard;
  readonly #operators: { readonly open: Operator; readonly guarded: Operator };
  readonly #opened: AsyncDisposableStack;

  private constructor(scene: Scene, open: Dashboard, guarded: Dashboard, opened: AsyncDisposableStack) {
    this.scene = scene;
    this.#open = open;
    this.#guarded = guarded;
    this.#operators = { open: new Operator(open.page, open.url), guarded: new Operator(guarded.page, guarded.url) };
    this.#opened = opened;
  }

  /** @param count of the jobs, on SQLite. */
  static async open(count: number): Promise<Stage> {
    await using opened = new AsyncDisposableStack();
    const folder = mkdtempSync(join(tmpdir(), 'ojs-tasks-'));
    opened.defer(() => rmSync(folder, { recursive: true, force: true }));
    const storage = `sqlite:${join(folder, 'jobs.db')}`;
    {
      await using filled = await openStorage(storage);
      await fill(filled, count);
    }
    const open = opened.use(await Dashboard.start({ storage }));
    const scene = await setScene(open.server.url);
    await cancelWrongly(open.server.url);
    // Once there is a token the server asks for one, so that the tasks about tokens have a server of their own.
    const guarded = opened.use(await Dashboard.start({ storage: 'memory:', tokens: ['a-root-secret'] }));
    await guarded.page.goto(guarded.url);
    await guarded.page.getByLabel('Token').fill('a-root-secret');
    await guarded.page.keyboard.press('Enter');
    await guarded.page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    return new Stage(scene, open, guarded, opened.move());
  }

  operatorOf({ name }: Task): Operator {
    return /token|colleague/.test(name) ? this.#operators.guarded : this.#operators.open;
  }

  /** What the browser complained of. */
  get complaints(): readonly string[] {
    return [...this.#open.complaints, ...this.#guarded.complaints];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync();
  }
}

/** A bulk cancel that somebody wants to undo. */
async function cancelWrongly(url: string): Promise<void> {
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}/ojs/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(await response.text());
  };
  for (let index = 0; index < 3; index++)
    await post('jobs', { type: 'wrong.job', args: [], options: { queue: 'wrong' } });
  await post('admin/bulk', { action: 'cancel', query: 'queue:wrong', confirm: true });
}
