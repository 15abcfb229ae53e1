import { formatDuration, isObject } from '@ojs-ts/core';
import type { OperationName } from '@ojs-ts/core/operations';
import type { Command } from 'commander';
import { Failure } from '../../connection/failure.ts';
import type { Server } from '../../connection/server.ts';
import { type Item, part, text } from '../../output/cells.ts';
import { confirmed } from '../../output/confirm.ts';
import { plain } from '../../output/plain.ts';
import { table, view } from '../../output/table.ts';
import { auditEntry } from '../audit.ts';
import { type Args, serverCommand } from '../command.ts';
import { flag, needed } from '../flags.ts';

const entry = flag('--entry <id>', 'id of an entry of the audit log (ojs audit list --type queue --about NAME)');

/** Settings of a queue as a request has them; null for one that is not set. A rate limit is `100/PT60S`. */
type Settings = Readonly<Record<string, string | number | boolean | null>>;

/** The settings of a queue that was never configured. */
const defaults = {
  paused: false,
  max_size: null,
  overflow_policy: 'reject',
  warning_threshold: 0.8,
  concurrency: null,
  rate_limit: null,
};
const names = Object.keys(defaults);

/** `ojs queues restore`: the settings from before a change. */
export function restoreCommand(args: Args): Command {
  const about = 'give a queue its settings from before a change in the audit log';
  const takes = { args, flags: { entry: needed(entry) }, also: ['yes', 'json'] as const };
  return serverCommand('restore', about, takes, async (server, values, name = '') => {
    const report = (restored: object, said: string) => console.log(values.json ? JSON.stringify({ restored }) : said);
    const entry: Item = JSON.parse(await auditEntry(server, values.entry));
    const wanted = settingsBefore(entry, name);
    const now = await settingsNow(server, name);
    const changed = names.filter((setting) => settingOf(now, setting) !== settingOf(wanted, setting));
    if (changed.length === 0) return report({}, `Queue ${plain(name)} has these settings already.`);
    const rows = changed.map((setting) => ({
      setting,
      now: settingOf(now, setting),
      before: settingOf(wanted, setting),
    }));
    if (!values.json) console.log(`${table(view`SETTING | NOW | BEFORE`, rows)}\n`);
    const at = text(entry, 'timestamp');
    await confirmed(`Shall I set what queue ${plain(name)} had before ${at}?`, values);
    await apply(server, name, wanted, changed);
    const restored = Object.fromEntries(rows.map(({ setting, before }) => [setting, before]));
    report(restored, `Queue ${plain(name)} has the settings from before ${at}.`);
  });
}

/** @throws Failure for an entry about something else. */
function settingsBefore(entry: Item, name: string): Settings {
  const detail = part(entry, 'detail');
  const { before } = detail;
  if (text(detail, 'name') !== name || !text(entry, 'event_type').startsWith('queue.'))
    throw new Failure(
      'usage',
      `The entry is ${text(entry, 'event_type')} about ${text(detail, 'name') || 'no queue'}, ` +
        `not a change of the queue ${plain(name)}.`,
    );
  if (!isObject(before))
    throw new Failure('usage', `The entry has no settings from before: the queue ${plain(name)} did not exist.`);
  const { count, perMs } = part(before, 'rate');
  return {
    paused: before.paused === true,
    max_size: numberOf(before.maxDepth),
    overflow_policy: typeof before.strategy === 'string' ? before.strategy : defaults.overflow_policy,
    warning_threshold: numberOf(before.warningThreshold) ?? defaults.warning_threshold,
    concurrency: numberOf(before.concurrency),
    rate_limit: typeof count === 'number' && typeof perMs === 'number' ? `${count}/${formatDuration(perMs)}` : null,
  };
}

async function settingsNow(server: Server, name: string): Promise<Settings> {
  const call = { operation: 'queue.get', params: { name } } as const;
  const answer = await server.ask(call, { status: 404, member: 'error' });
  if (answer.status === 404) return defaults;
  const queue: Item = JSON.parse(answer.text);
  const config = part(queue, 'config');
  const rate = part(config, 'rate_limit');
  return {
    paused: queue.paused === true,
    max_size: numberOf(config.max_size),
    overflow_policy: text(config, 'overflow_policy'),
    warning_threshold: numberOf(part(config, 'backpressure').warning_threshold) ?? defaults.warning_threshold,
    concurrency: numberOf(config.concurrency),
    rate_limit: typeof rate.limit === 'number' ? `${rate.limit}/${text(rate, 'period')}` : null,
  };
}

async function apply(server: Server, name: string, wanted: Settings, changed: readonly string[]): Promise<void> {
  const ask = (operation: OperationName, body?: object) =>
    server.change({ operation, params: { name }, ...(body !== undefined && { body: JSON.stringify(body) }) });
  if (changed.some((setting) => setting !== 'paused')) {
    const { max_size, overflow_policy, warning_threshold, concurrency, rate_limit } = wanted;
    const [limit, period] = String(rate_limit).split('/');
    await ask('queue.configure', {
      max_size,
      overflow_policy,
      backpressure: { warning_threshold },
      concurrency,
      rate_limit: rate_limit === null ? null : { limit: Number(limit), period },
    });
  }
  if (changed.includes('paused')) await ask(wanted.paused ? 'queue.pause' : 'queue.resume');
}

function settingOf(settings: Settings, name: string): string {
  return String(settings[name] ?? 'none');
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
