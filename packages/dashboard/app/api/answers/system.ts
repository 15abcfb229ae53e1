export interface HealthCheck {
  readonly status: 'pass' | 'fail' | 'warn';
  readonly message?: string;
  /** Since when it fails, where the server knows. */
  readonly since?: string;
}

export interface Health {
  readonly status: 'ok' | 'degraded' | 'unhealthy';
  readonly server_version: string;
  readonly uptime_seconds: number;
  readonly backend: { readonly type: string; readonly status: string; readonly latency_ms: number };
  readonly checks: Readonly<Record<string, HealthCheck>>;
}

export interface Finding {
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'info';
  readonly message: string;
  /** What mends it: a sentence or a command. */
  readonly remedy: string;
}

/** Where the value of a setting comes from, and the variable that would set it. */
export interface Setting {
  readonly value: string | number | boolean | null | readonly string[];
  readonly origin: 'option' | 'environment' | 'default';
  readonly variable: string;
}

export interface Configuration {
  readonly version: string;
  readonly backend: string;
  readonly durability: string;
  readonly engine: Readonly<Record<string, string | number | boolean | null>>;
  /** Absent for an embedded engine. */
  readonly settings?: Readonly<Record<string, Setting>>;
}

export interface Maintenance {
  readonly maintenance: boolean;
  readonly reason: string | null;
  readonly enabled_at: string | null;
  readonly estimated_end: string | null;
}

export interface SystemAnswers {
  readonly 'system.health': Health;
  readonly 'system.doctor': { readonly findings: readonly Finding[]; readonly checked_at: string };
  readonly 'admin.config': Configuration;
  readonly 'admin.maintenance': Maintenance;
  readonly 'admin.setMaintenance': Maintenance;
}
