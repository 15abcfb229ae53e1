/** A delivery outside this window may be a replay (ojs-webhooks §8.1). Milliseconds. */
const windowMs = 5 * 60_000;

/**
 * Reports whether one of the secrets signed the body. The signature is an HMAC-SHA256 over `timestamp.body` if there is
 * an X-OJS-Timestamp (ojs-webhooks §8.1), otherwise over the body (ojs-serverless §2.2). The header may hold several
 * signatures while a secret is replaced.
 */
export async function isSigned(
  secrets: readonly string[],
  body: string,
  header: (name: string) => string | undefined,
): Promise<boolean> {
  const timestamp = header('x-ojs-timestamp');
  if (timestamp !== undefined && !(Math.abs(Date.now() - Number(timestamp) * 1000) <= windowMs)) return false;
  const signed = new TextEncoder().encode(timestamp === undefined ? body : `${timestamp}.${body}`);
  const signatures = (header('x-ojs-signature') ?? '').split(',').map(bytesOf);
  for (const secret of secrets) {
    const key = await crypto.subtle.importKey(
      'raw',
      new TextEncoder().encode(secret),
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      ['verify'],
    );
    // Takes the same time for every wrong signature.
    for (const signature of signatures)
      if (signature !== null && (await crypto.subtle.verify('HMAC', key, signature, signed))) return true;
  }
  return false;
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> | null {
  const hex = /^\s*sha256=([0-9a-f]{64})\s*$/i.exec(text)?.[1];
  return hex === undefined ? null : Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}
