import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { MetricDescription, Metrics } from "./metrics.ts";

/**
 * An empty set of figures, plus the runtime's own (processor, memory, open files, event loop delay, garbage collection). `process`
 * distinguishes several processes that one endpoint shows: it becomes the label `process` of every series.
 */
export function createMetrics({ process }: { readonly process?: string } = {}): Metrics {
  const registry = new Registry();
  if (process !== undefined) registry.setDefaultLabels({ process });
  collectDefaultMetrics({ register: registry });
  const described = <Label extends string>({ name, help, labels = [] }: MetricDescription<Label>) => ({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
  });
  return {
    gauge(description) {
      new Gauge({
        ...described(description),
        async collect() {
          const figures = await description.read();
          this.reset();
          if (typeof figures === "number") this.set(figures);
          else for (const { labels, value } of figures) this.set(labels, value);
        },
      });
    },
    counter(description) {
      const counter = new Counter(described(description));
      return { add: (labels, by = 1) => counter.inc(labels, by) };
    },
    histogram(description) {
      const histogram = new Histogram({ ...described(description), buckets: [...description.buckets] });
      return { observe: (labels, value) => histogram.observe(labels, value) };
    },
    text: () => registry.metrics(),
  };
}
