/** First 32 bits of the fractions of the cube roots of the first 64 primes (FIPS 180-4 §4.2.2). */
const constants = Int32Array.of(
  0x428a2f98,
  0x71374491,
  0xb5c0fbcf,
  0xe9b5dba5,
  0x3956c25b,
  0x59f111f1,
  0x923f82a4,
  0xab1c5ed5,
  0xd807aa98,
  0x12835b01,
  0x243185be,
  0x550c7dc3,
  0x72be5d74,
  0x80deb1fe,
  0x9bdc06a7,
  0xc19bf174,
  0xe49b69c1,
  0xefbe4786,
  0x0fc19dc6,
  0x240ca1cc,
  0x2de92c6f,
  0x4a7484aa,
  0x5cb0a9dc,
  0x76f988da,
  0x983e5152,
  0xa831c66d,
  0xb00327c8,
  0xbf597fc7,
  0xc6e00bf3,
  0xd5a79147,
  0x06ca6351,
  0x14292967,
  0x27b70a85,
  0x2e1b2138,
  0x4d2c6dfc,
  0x53380d13,
  0x650a7354,
  0x766a0abb,
  0x81c2c92e,
  0x92722c85,
  0xa2bfe8a1,
  0xa81a664b,
  0xc24b8b70,
  0xc76c51a3,
  0xd192e819,
  0xd6990624,
  0xf40e3585,
  0x106aa070,
  0x19a4c116,
  0x1e376c08,
  0x2748774c,
  0x34b0bcb5,
  0x391c0cb3,
  0x4ed8aa4a,
  0x5b9cca4f,
  0x682e6ff3,
  0x748f82ee,
  0x78a5636f,
  0x84c87814,
  0x8cc70208,
  0x90befffa,
  0xa4506ceb,
  0xbef9a3f7,
  0xc67178f2,
);
/** The same of the square roots of the first 8 primes (§5.3.3). */
const initial = Int32Array.of(
  0x6a09e667,
  0xbb67ae85,
  0x3c6ef372,
  0xa54ff53a,
  0x510e527f,
  0x9b05688c,
  0x1f83d9ab,
  0x5be0cd19,
);

const hexBytes = Array.from({ length: 256 }, (_, byte) => (0x100 + byte).toString(16).slice(1));
const blockBytes = 64;
const encoder = new TextEncoder();
/** Reused between calls, which never overlap: a key has one to four blocks. */
const scratch = new Uint8Array(16 * blockBytes);
const schedule = new Int32Array(64);
const state = new Int32Array(8);

/**
 * SHA-256 of the text in UTF-8 (FIPS 180-4), as 64 hexadecimal digits in lower case. Plain code, because WebCrypto is
 * asynchronous and `node:crypto` does not exist everywhere. A lone surrogate counts as U+FFFD, as encoders write it.
 */
export function sha256(text: string): string {
  // A code unit has at most three bytes; the padding is one byte and the length, in whole blocks.
  const room = text.length * 3 + 2 * blockBytes;
  const bytes = room <= scratch.length ? scratch : new Uint8Array(room);
  const { written } = encoder.encodeInto(text, bytes);
  const end = Math.ceil((written + 9) / blockBytes) * blockBytes;
  bytes.fill(0, written, end);
  bytes[written] = 0x80;
  const view = new DataView(bytes.buffer);
  view.setUint32(end - 8, Math.floor(written / 0x2000_0000));
  view.setUint32(end - 4, (written << 3) >>> 0);

  state.set(initial);
  for (let at = 0; at < end; at += blockBytes) {
    for (let i = 0; i < 16; i++) schedule[i] = view.getInt32(at + 4 * i);
    compress();
  }
  let hex = '';
  for (let i = 0; i < 8; i++) hex += hexOf(state[i] ?? 0);
  return hex;
}

function hexOf(word: number): string {
  return `${hexBytes[word >>> 24]}${hexBytes[(word >>> 16) & 0xff]}${hexBytes[(word >>> 8) & 0xff]}${hexBytes[word & 0xff]}`;
}

/** Processes the block in the first 16 words of the schedule (§6.2.2). */
function compress(): void {
  const w = schedule;
  for (let i = 16; i < 64; i++) {
    const w15 = w[i - 15] ?? 0;
    const w2 = w[i - 2] ?? 0;
    const s0 = (rotated(w15, 7) ^ rotated(w15, 18) ^ (w15 >>> 3)) | 0;
    const s1 = (rotated(w2, 17) ^ rotated(w2, 19) ^ (w2 >>> 10)) | 0;
    w[i] = (w[i - 16] ?? 0) + s0 + (w[i - 7] ?? 0) + s1;
  }
  let a = state[0] ?? 0;
  let b = state[1] ?? 0;
  let c = state[2] ?? 0;
  let d = state[3] ?? 0;
  let e = state[4] ?? 0;
  let f = state[5] ?? 0;
  let g = state[6] ?? 0;
  let h = state[7] ?? 0;
  for (let i = 0; i < 64; i++) {
    const s1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + (constants[i] ?? 0) + (w[i] ?? 0)) | 0;
    const s0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  add(0, a);
  add(1, b);
  add(2, c);
  add(3, d);
  add(4, e);
  add(5, f);
  add(6, g);
  add(7, h);
}

function add(index: number, word: number): void {
  state[index] = (state[index] ?? 0) + word;
}

function rotated(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}
