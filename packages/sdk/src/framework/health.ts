import type { HealthReport } from './app.ts';

export function statusOf(report: HealthReport): 200 | 503 {
  return report.status === 'ok' ? 200 : 503;
}
