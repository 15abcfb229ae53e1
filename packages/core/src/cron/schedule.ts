import type { DayRule } from './days.ts';

/** When a cron job fires, as {@link parseCron} read it from an expression. */
export type CronSchedule = CalendarSchedule | IntervalSchedule;

/** Fires when the local time matches every field (ojs-cron §3). The lists are sorted and have no duplicates. */
export interface CalendarSchedule {
  readonly kind: 'calendar';
  readonly expression: string;
  /** 0-59; `[0]` for an expression of five fields. */
  readonly seconds: readonly number[];
  /** 0-59. */
  readonly minutes: readonly number[];
  /** 0-23. */
  readonly hours: readonly number[];
  /** 1-12. */
  readonly months: readonly number[];
  readonly days: DayRule;
}

/** Fires each time so much time has passed since the anchor, whatever the local time is (`@every`, ojs-cron §4.1). */
export interface IntervalSchedule {
  readonly kind: 'interval';
  readonly expression: string;
  /** 1000 or more: schedules are evaluated at most once a second (ojs-cron §7.3, X42). */
  readonly intervalMs: number;
}
