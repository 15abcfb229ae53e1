import { newKey } from '@ojs-ts/core/job';
import type { Layout } from '../storage.ts';
import type { Connection } from './connection/connection.ts';
import { listOf, number, text } from './connection/packed.ts';
import { evicting, RedisRefusal } from './connection/refusal.ts';
import type { Scripts } from './connection/scripts.ts';

/** The changes of each version of the layout. */
const steps = ['001_first', '002_small_fields', '003_ends_of_nodes', '004_limit_groups', '005_records', '006_crons'];
const version = steps.length;
/** No published version wrote the layout before, so nothing reads it. */
const oldest = 4;
/** Members that one script brings into the layout, about 5 ms. */
const adoptedAtOnce = 1000;

/** @throws Error if the layout was never published. */
export async function layout(scripts: Scripts, { name }: Connection): Promise<Layout> {
  const from = number(await scripts.exchange('layout_get', null));
  checkPublished(name, from);
  return { from, to: version, steps: steps.slice(from) };
}

export interface Migrated {
  readonly from: number;
  readonly to: number;
  readonly seed: number;
  readonly leaseKey: string;
}

/**
 * Notes the layout and gives the store its seed and the key of its leases.
 * @throws Error if the layout is newer than this code or was never published, or if the server would remove keys when
 * its memory is full.
 */
export async function migrate(scripts: Scripts, connection: Connection): Promise<Migrated> {
  await checkPolicy(connection);
  await checkChannel(scripts, connection);
  const before = number(await scripts.exchange('layout_get', null));
  if (before === oldest) await adopt(scripts);
  if (before >= oldest && before < version) await adoptCrons(scripts);
  const fresh = { seed: Math.floor(Math.random() * 0x10000), leaseKey: newKey() };
  const [from, seed, leaseKey] = listOf(await scripts.exchange('layout', { version, oldest, ...fresh }));
  if (number(from) > version) {
    throw new Error(
      `${connection.name} has layout ${number(from)}; this version of the server knows ${version}. ` +
        'Use the newer version, or another namespace.',
    );
  }
  checkPublished(connection.name, number(from));
  return { from: number(from), to: version, seed: number(seed), leaseKey: text(leaseKey) };
}

/** Brings what layout 4 kept in other keys into records. May be done again, if the layout was not noted. */
async function adopt(scripts: Scripts): Promise<void> {
  let cursor = '';
  do cursor = text(await scripts.exchange('records_adopt', { cursor, limit: adoptedAtOnce }));
  while (cursor !== '0');
}

/** Brings the crons of layout 5 into records. */
async function adoptCrons(scripts: Scripts): Promise<void> {
  while (number(await scripts.exchange('crons_adopt', { limit: adoptedAtOnce })) > 0);
}

function checkPublished(store: string, from: number): void {
  if (from === 0 || from >= oldest) return;
  throw new Error(
    `${store} has layout ${from} of a version before the first release, which this version cannot read. ` +
      'Use the version that made it, another namespace, or remove the keys of this one.',
  );
}

/**
 * A script that may not publish does not fail, since its work is done by then. Without wake-ups jobs would start late,
 * so the check is here.
 */
async function checkChannel(scripts: Scripts, connection: Connection): Promise<void> {
  const { channel } = scripts;
  try {
    await connection.command('PUBLISH', channel, '');
  } catch (error) {
    if (!(error instanceof RedisRefusal) || !error.message.startsWith('NOPERM')) throw error;
    throw new Error(
      `${connection.name} does not let this user publish to the channel ${channel}; ` +
        `allow it (ACL SETUSER … &${channel}).`,
    );
  }
}

async function checkPolicy(connection: Connection): Promise<void> {
  const unfit = evicting(connection.name, await connection.configured('maxmemory-policy'));
  if (unfit !== null) throw new Error(unfit);
}

/** A sentence about what a crash of the servers may lose; managed servers may hide their settings. */
export async function durability(connection: Connection): Promise<string> {
  const settings = (name: string) => connection.configured(name);
  const [appendonly, appendfsync, save] = await Promise.all(['appendonly', 'appendfsync', 'save'].map(settings));
  const words = (appendonly ?? []).flatMap((log) =>
    log === 'yes' ? (appendfsync ?? []).map(wordsOfLog) : (save ?? []).map(wordsOfSnapshots),
  );
  return words.length === 0
    ? 'as the server persists it: it does not show its configuration'
    : [...new Set(words)].join('; elsewhere ');
}

function wordsOfLog(fsync: string): string {
  if (fsync === 'always') return 'a change is on disk before it is answered (appendonly, appendfsync always)';
  if (fsync === 'everysec') {
    return (
      'a crash of the server or its machine loses up to about a second, two where the disk is slow (appendonly, ' +
      'appendfsync everysec); replication is asynchronous'
    );
  }
  return 'a crash of the server’s machine loses what its kernel has not written (appendonly, appendfsync no)';
}

function wordsOfSnapshots(save: string): string {
  if (save !== '') return `a crash of the server loses what came after the last snapshot (no appendonly; save ${save})`;
  return 'none: everything is lost when the server ends (no appendonly, no save)';
}
