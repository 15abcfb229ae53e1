export interface HealthCheck {
  readonly status: 'pass' | 'fail' | 'warn';
  readonly message?: string;
}

export interface Health {
  readonly status: 'ok' | 'degraded' | 'unhealthy';
  readonly server_version: string;
  readonly uptime_seconds: number;
  readonly backend: { readonly type: string; readonly status: string; readonly latency_ms: number };
  readonly checks: Readonly<Record<string, HealthCheck>>;
}

export interface SystemAnswers {
  readonly 'system.health': Health;
}
