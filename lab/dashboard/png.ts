import { crc32, deflateSync, inflateSync } from 'node:zlib';

export interface Image {
  readonly width: number;
  readonly height: number;
  /** Three bytes a pixel: red, green, blue. */
  readonly rgb: Uint8Array;
}

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const mostColours = 256;
const exactColours = 24;

/** Bytes of a pixel by the kind of colour: RGB, palette, RGBA. */
const sizes: Readonly<Record<number, number>> = { 2: 3, 3: 1, 6: 4 };

/** Reads what Chromium and {@link encode} write: eight bits, not interlaced. Transparency is left out. */
export function decode(png: Buffer): Image {
  const chunks = new Map<string, Buffer>();
  for (let at = signature.length; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    chunks.set(type, Buffer.concat([chunks.get(type) ?? Buffer.alloc(0), body]));
    at += 12 + length;
  }
  const header = chunks.get('IHDR') ?? Buffer.alloc(13);
  const [width, height, kind] = [header.readUInt32BE(0), header.readUInt32BE(4), header.readUInt8(9)];
  const size = sizes[kind] ?? 0;
  const pixels = unfilter(inflateSync(chunks.get('IDAT') ?? Buffer.alloc(0)), width * size, height, size);
  const palette = chunks.get('PLTE');
  const rgb = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const from = palette === undefined ? pixel * size : (pixels[pixel] ?? 0) * 3;
    for (let channel = 0; channel < 3; channel++) rgb[pixel * 3 + channel] = (palette ?? pixels)[from + channel] ?? 0;
  }
  return { width, height, rgb };
}

/** With a palette, which takes a third of the space. */
export function encode({ width, height, rgb }: Image): Buffer {
  const counts = new Map<number, number>();
  for (let at = 0; at < rgb.length; at += 3) counts.set(colourAt(rgb, at), (counts.get(colourAt(rgb, at)) ?? 0) + 1);
  const colours = [...counts].sort(([, one], [, other]) => other - one).map(([colour]) => colour);
  // The grounds as they are. Then one of those that look alike: a rare colour matters more than the shades of a text.
  const alike = new Map<number, number>();
  for (const colour of colours) if (!alike.has(colour & 0xf0f0f0)) alike.set(colour & 0xf0f0f0, colour);
  const palette = [...new Set([...colours.slice(0, exactColours), ...alike.values()])].slice(0, mostColours);
  const places = new Map(colours.map((colour) => [colour, nearest(palette, colour)]));
  const rows = Buffer.alloc((width + 1) * height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const row = Math.floor(pixel / width);
    rows[row * (width + 1) + 1 + (pixel % width)] = places.get(colourAt(rgb, pixel * 3)) ?? 0;
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3], 8);
  const shades = Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]));
  const parts = [chunk('IHDR', header), chunk('PLTE', shades), chunk('IDAT', deflateSync(rows, { level: 9 }))];
  return Buffer.concat([signature, ...parts, chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(body.length);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, check]);
}

function colourAt(rgb: Uint8Array, at: number): number {
  return ((rgb[at] ?? 0) << 16) | ((rgb[at + 1] ?? 0) << 8) | (rgb[at + 2] ?? 0);
}

function nearest(palette: readonly number[], colour: number): number {
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  for (const [place, one] of palette.entries()) {
    const [red, green, blue] = [(one >> 16) - (colour >> 16), (one >> 8) & 255, one & 255];
    const distance = red ** 2 + (green - ((colour >> 8) & 255)) ** 2 + (blue - (colour & 255)) ** 2;
    if (distance < least) [best, least] = [place, distance];
  }
  return best;
}

/** Takes back the filter of each row (PNG, section 9). */
function unfilter(rows: Buffer, width: number, height: number, size: number): Uint8Array {
  const pixels = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const from = row * (width + 1);
    const filter = rows[from] ?? 0;
    for (let column = 0; column < width; column++) {
      const at = row * width + column;
      const left = column < size ? 0 : (pixels[at - size] ?? 0);
      const up = row === 0 ? 0 : (pixels[at - width] ?? 0);
      const corner = column < size || row === 0 ? 0 : (pixels[at - width - size] ?? 0);
      pixels[at] = (rows[from + 1 + column] ?? 0) + guess(filter, left, up, corner);
    }
  }
  return pixels;
}

function guess(filter: number, left: number, up: number, corner: number): number {
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  if (filter !== 4) return 0;
  const [toLeft, toUp] = [Math.abs(up - corner), Math.abs(left - corner)];
  const toCorner = Math.abs(left + up - 2 * corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}
