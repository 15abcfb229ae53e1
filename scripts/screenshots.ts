// npm run screenshots: the pictures of the docs, and every page in light, dark and phone width for looking at them.
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Dashboard, launch } from '../packages/dashboard/test/dashboard.ts';
import { places } from '../packages/dashboard/test/places.ts';
import { seed } from '../packages/dashboard/test/seed.ts';

const docs = fileURLToPath(new URL('../docs/images/', import.meta.url));
const wide = { width: 1280, height: 800 };
const looks = [
  { name: 'light', colorScheme: 'light', viewport: wide },
  { name: 'dark', colorScheme: 'dark', viewport: wide },
  { name: 'phone', colorScheme: 'light', viewport: { width: 390, height: 844 } },
] as const;

const folder = mkdtempSync(join(tmpdir(), 'ojs-screenshots-'));
await using dashboard = await Dashboard.start();
const { page, server } = dashboard;
{
  await using _ = await seed(server.url);
  const all = await places(server.url);
  for (const { name, colorScheme, viewport } of looks) {
    mkdirSync(join(folder, name));
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize(viewport);
    for (const place of all) {
      await dashboard.open(place);
      await dashboard.settle();
      const file = place === '' ? 'overview' : place.replaceAll('/', '-');
      await page.screenshot({ path: join(folder, name, `${file}.png`), fullPage: true });
    }
  }
  await page.setViewportSize(wide);
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await dashboard.open();
  await dashboard.settle();
  await page.screenshot({ path: join(docs, 'overview.png') });
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
  await dashboard.open(all.find((place) => place.startsWith('workflows/')));
  await page.getByRole('link', { name: 'order.archive' }).waitFor();
  await dashboard.settle();
  await page.screenshot({ path: join(docs, 'workflow.png') });
}
await (await launch()).close();
console.log(`The pages are in ${folder}, two of them in docs/dashboard.`);
