import { getHeapStatistics } from 'node:v8';
import type { Parts } from '../../engine/engine.ts';
import type { Family, Labels } from '../../engine/telemetry/series.ts';
import type { About } from '../handler.ts';

type Engine = Parts<
  'answers' | 'maintenance' | 'requests' | 'settlementRequests' | 'storage' | 'storeHealth' | 'telemetry'
>;

/** The series that each server has of its own. The names of the process are those of Prometheus' client libraries. */
export function serverSeries(engine: Engine, { version }: About): readonly Family[] {
  const { answers, requests, settlementRequests, storeHealth, maintenance, telemetry } = engine;
  const heap = getHeapStatistics();
  const { user, system } = process.cpuUsage();
  const budgets = Object.entries({ answers, requests, settlements: settlementRequests });
  const { writes, clock, file } = storeHealth;
  return [
    gauge('ojs_server_info', 'The version of the server, and its storage.', [
      [{ version, storage: engine.storage.traits.name }, 1],
    ]),
    gauge(
      'ojs_store_check',
      'Whether a check of the health answer passes.',
      Object.entries({ writes, clock, file }).map(([check, { status }]) => [{ check }, Number(status === 'pass')]),
    ),
    gauge('ojs_maintenance', 'Whether the maintenance mode is on.', [[{}, Number(maintenance.on)]]),
    ...telemetry.families(),
    gauge(
      'ojs_in_flight_bytes',
      'Memory taken by what is on its way.',
      budgets.map(([kind, budget]) => [{ kind }, budget.limit - budget.room]),
    ),
    gauge(
      'ojs_in_flight_limit_bytes',
      'Memory that may be taken by what is on its way.',
      budgets.map(([kind, budget]) => [{ kind }, budget.limit]),
    ),
    gauge('nodejs_heap_size_used_bytes', 'Heap in use.', [[{}, heap.used_heap_size]]),
    gauge('nodejs_heap_size_total_bytes', 'Heap taken from the system.', [[{}, heap.total_heap_size]]),
    gauge('nodejs_heap_size_limit_bytes', 'The most heap that Node takes.', [[{}, heap.heap_size_limit]]),
    gauge('process_resident_memory_bytes', 'Memory of the process.', [[{}, process.memoryUsage.rss()]]),
    gauge('process_start_time_seconds', 'When the process started.', [
      [{}, Math.round((Date.now() / 1_000 - process.uptime()) * 1_000) / 1_000],
    ]),
    {
      name: 'process_cpu_seconds_total',
      help: 'Processor time of the process.',
      kind: 'counter',
      samples: [{ labels: {}, value: (user + system) / 1e6 }],
    },
  ];
}

function gauge(name: string, help: string, samples: readonly (readonly [Labels, number])[]): Family {
  return { name, help, kind: 'gauge', samples: samples.map(([labels, value]) => ({ labels, value })) };
}
