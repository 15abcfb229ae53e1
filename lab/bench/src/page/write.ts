import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type LatencyPoint, latencyReport } from '../latency/report.ts';
import { figuresFile, type Kept, Ledger } from '../ledger.ts';
import { type Contest, peersReport } from '../peers/report.ts';
import { type ScalePoint, scaleCharts, scaleReport } from '../scale/report.ts';
import { benchmarksPage } from './benchmarks.ts';
import { chartSvg } from './chart.ts';
import { scalePage } from './scale.ts';

/** Writes `lab/docs/benchmarks.md`, its curves and `lab/docs/scale.md` from the figures that are kept. */
export function writePages(): void {
  const [latency, scale] = [kept<LatencyPoint>('latency'), kept<ScalePoint>('scale')];
  const parts = {
    peers: peersReport(kept<Contest>('peers')),
    latency: latencyReport(latency),
    scale: scaleReport(scale),
  };
  writeFileSync(inRepository('lab/docs/benchmarks.md'), benchmarksPage(parts));
  writeFileSync(inRepository('lab/docs/scale.md'), scalePage({ latency, scale }));
  mkdirSync(inRepository('lab/docs/curves'), { recursive: true });
  for (const [name, chart] of Object.entries(scaleCharts(scale)))
    writeFileSync(inRepository(`lab/docs/curves/${name}.svg`), chartSvg(chart));
}

function kept<T>(instrument: string): readonly Kept<T>[] {
  return Object.values(new Ledger<T>(figuresFile(instrument), '').figures);
}

function inRepository(path: string): string {
  return fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
}
