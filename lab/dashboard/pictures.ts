import type { Page } from 'playwright-core';
import { decode, type Image } from './png.ts';

/** In pixels. A list that is longer shows nothing new. */
const mostHeight = 1_600;
/** Of a channel, which text that is drawn a little differently stays below. */
const visible = 40;

/**
 * Replaces what differs at each run: ids, the port, and how fast the storage answers. Code is set in the bundled font,
 * because each machine has another one with a fixed width.
 */
const steady = `
  document.documentElement.style.setProperty('--mono', 'var(--font)');
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const text = node.data
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, '019d2e8a-4f10-7b3c-9a51-6c0d2e4f8a17')
      .replaceAll(/\\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{16}\\b/g, '5644291e92c89dc0')
      .replaceAll(/…[0-9a-f]{12}\\b/g, '…6c0d2e4f8a17')
      .replaceAll(/127\\.0\\.0\\.1:\\d+/g, '127.0.0.1:8080');
    const isLatency = /^[\\d.]+ m?s$/.test(text) && node.parentElement.textContent.includes('answers in');
    const next = isLatency ? '1 ms' : text;
    if (next !== node.data) node.data = next;
  }
`;

/** The whole page, once it moves no more. */
export async function pictureOf(page: Page): Promise<Image> {
  await page.evaluate('document.fonts.ready.then(() => {})');
  let last: Buffer = Buffer.alloc(0);
  for (let attempt = 0; attempt < 20; attempt++) {
    await page.evaluate(steady);
    const height: number = await page.evaluate('document.documentElement.scrollHeight');
    const { width } = page.viewportSize() ?? { width: 0 };
    const clip = { x: 0, y: 0, width, height: Math.min(height, mostHeight) };
    const next = await page.screenshot({ animations: 'disabled', fullPage: true, clip });
    if (next.equals(last)) break;
    last = next;
  }
  return decode(last);
}

/** The share of the pixels that differ visibly; 1 for images of different sizes. */
export function difference(one: Image, other: Image): number {
  if (one.width !== other.width || one.height !== other.height) return 1;
  let count = 0;
  for (let at = 0; at < one.rgb.length; at += 3) {
    const channels = [0, 1, 2].map((channel) =>
      Math.abs((one.rgb[at + channel] ?? 0) - (other.rgb[at + channel] ?? 0)),
    );
    if (Math.max(...channels) > visible) count++;
  }
  return count / (one.width * one.height);
}
