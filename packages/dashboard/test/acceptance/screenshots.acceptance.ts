import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { launch } from '../dashboard.ts';
import { describeDashboard } from '../describe-dashboard.ts';

interface Bitmap {
  readonly width: number;
  readonly height: number;
}

interface Context {
  drawImage(bitmap: Bitmap, x: number, y: number): void;
  getImageData(x: number, y: number, width: number, height: number): Bitmap & { readonly data: Uint8ClampedArray };
}

/** Of the browser, which reads the images. */
declare function createImageBitmap(image: Blob): Promise<Bitmap>;
declare const OffscreenCanvas: new (width: number, height: number) => { getContext(kind: '2d'): Context | null };

/** Pages of an empty server: nothing on them is an id or a time. */
const places = ['jobs', 'crons', 'limits', 'tokens'];
const looks = [
  { name: 'light', colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
  { name: 'phone', colorScheme: 'light', viewport: { width: 390, height: 844 } },
] as const;
/** The share of the pixels that may differ: text is drawn a little differently by each build of Chromium. */
const tolerance = 0.005;

describeDashboard('the pages', {}, (dashboard) => {
  test('look as they did with this major version of Chromium', async () => {
    const { page } = dashboard;
    const browser = await launch();
    const blank = await browser.newPage();
    const folder = new URL(`baselines/${browser.version().split('.')[0]}/`, import.meta.url);
    mkdirSync(folder, { recursive: true });
    const shares: Record<string, number> = {};
    for (const { name, colorScheme, viewport } of looks) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.setViewportSize(viewport);
      for (const place of places) {
        await dashboard.open(place);
        await page.getByText('Live', { exact: true }).waitFor();
        await dashboard.settle();
        const image = await page.screenshot({ animations: 'disabled' });
        const baseline = new URL(`${place}-${name}.png`, folder);
        // A new version of the browser, or a page whose old picture was deleted, begins with what it shows now.
        if (!existsSync(baseline)) writeFileSync(baseline, image);
        const share = await difference(blank, image, readFileSync(baseline));
        if (share > tolerance) shares[`${place}-${name}`] = share;
      }
    }
    expect(shares).toEqual({});
  });
});

/** The share of the pixels that differ visibly; 1 for images of different sizes. */
function difference(blank: Page, first: Buffer, second: Buffer): Promise<number> {
  return blank.evaluate(
    async (images) => {
      const [one, other] = await Promise.all(
        images.map(async (image) => {
          const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${image}`)).blob());
          const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
          context?.drawImage(bitmap, 0, 0);
          return context?.getImageData(0, 0, bitmap.width, bitmap.height);
        }),
      );
      if (!one || !other || one.width !== other.width || one.height !== other.height) return 1;
      let count = 0;
      for (let at = 0; at < one.data.length; at += 4) {
        const channels = [0, 1, 2].map((channel) =>
          Math.abs((one.data[at + channel] ?? 0) - (other.data[at + channel] ?? 0)),
        );
        if (Math.max(...channels) > 40) count++;
      }
      return count / (one.width * one.height);
    },
    [first.toString('base64'), second.toString('base64')],
  );
}
