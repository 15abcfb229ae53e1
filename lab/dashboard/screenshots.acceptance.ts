import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, DashboardPage, launch } from '../../packages/dashboard/test/dashboard.ts';
import { difference, pictureOf } from './pictures.ts';
import { decode, encode } from './png.ts';
import { openShop, type Shop } from './shop.ts';

const looks = [
  { name: 'light', colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
  { name: 'phone', colorScheme: 'light', viewport: { width: 390, height: 844 } },
] as const;
/** The share of the pixels that may differ: text is drawn a little differently by each build of Chromium. */
const tolerance = 0.002;

describe.skipIf(chromiumPath === null)('the pages', () => {
  let shop: Shop;
  let dashboard: DashboardPage;
  beforeAll(async () => {
    shop = await openShop();
    dashboard = await DashboardPage.at(`${shop.url}/dashboard/`);
    await dashboard.page.clock.setFixedTime(shop.now);
  });
  afterAll(async () => {
    await dashboard?.[Symbol.asyncDispose]();
    await shop?.[Symbol.asyncDispose]();
  });

  test('all have a picture', () => {
    const router = readFileSync(new URL('../../packages/dashboard/app/router.tsx', import.meta.url), 'utf8');
    const addresses = [...router.matchAll(/\broute\('\/([^']*)'/g)].map(([, path = '']) => path.replace(/\$\w+/, '*'));
    const shown = Object.values(shop.places).map((place) => place.replace(/\/.*/, '/*'));
    expect(addresses.filter((address) => !shown.includes(address))).toEqual([]);
  });

  test('look as they did with this major version of Chromium', async () => {
    const { page } = dashboard;
    const browser = await launch();
    const folder = new URL(`baselines/${browser.version().split('.')[0]}/`, import.meta.url);
    const changed: Record<string, number> = {};
    const now = mkdtempSync(join(tmpdir(), 'ojs-pictures-'));
    const compare = async (place: string, look: string): Promise<void> => {
      const name = `${place}-${look}`;
      const picture = await pictureOf(page);
      mkdirSync(new URL(`${place}/`, folder), { recursive: true });
      const baseline = new URL(`${place}/${look}.png`, folder);
      // A new version of the browser, or a page whose old picture was deleted, begins with what it shows now.
      if (!existsSync(baseline)) writeFileSync(baseline, encode(picture));
      const share = difference(picture, decode(readFileSync(baseline)));
      if (share <= tolerance) return;
      changed[name] = share;
      writeFileSync(join(now, `${name}.png`), encode(picture));
    };

    for (const { name, colorScheme, viewport } of looks) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.setViewportSize(viewport);
      await page.context().clearCookies();
      await dashboard.open();
      await compare('login', name);
      await page.getByLabel('Token').fill(shop.secret);
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
      for (const [place, address] of Object.entries(shop.places)) {
        await dashboard.open(address);
        await page.getByText('Live', { exact: true }).waitFor();
        await dashboard.settle();
        await page.getByText('Loading the editor').waitFor({ state: 'detached' });
        if (place === 'workflow') await page.locator('.react-flow__node').first().waitFor();
        await compare(place, name);
      }
    }
    expect(changed, `The pictures of now are in ${now}.`).toEqual({});
    expect(dashboard.complaints).toEqual([]);
  });
});
