import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

// Loaded only where METRICS_PORT is set: without it nothing is counted, and the library costs no start anything. So rooms import the
// types of this file alone, get a `Metrics` as an argument, and do without it when there is none.

export interface MetricDescription<Label extends string = never> {
  /** `fusion_…`, with the unit last (`_seconds`, `_bytes`, `_total` for what only grows). */
  readonly name: string;
  readonly help: string;
  /**
   * Each combination of values is a series for as long as the process lives: only what is few and fixed, such as a route's pattern. Never an
   * id, an address or anything else of a caller's.
   */
  readonly labels?: readonly Label[];
}

export type Labels<Label extends string> = Readonly<Record<Label, string>>;

/** The figures of one process. */
export interface Metrics {
  /** A figure that is read when somebody asks. */
  gauge<Label extends string = never>(
    description: MetricDescription<Label> & {
      readonly read: () => Figures<Label> | Promise<Figures<Label>>;
    },
  ): void;
  /** A figure that only grows. */
  counter<Label extends string = never>(
    description: MetricDescription<Label>,
  ): { add(labels: Labels<Label>, by?: number): void };
  /** How often values were up to each of `buckets`, their count and their sum. */
  histogram<Label extends string = never>(
    description: MetricDescription<Label> & { readonly buckets: readonly number[] },
  ): { observe(labels: Labels<Label>, value: number): void };
  /** Everything, in Prometheus' text format. */
  text(): Promise<string>;
}

/** One value, or one for each combination of labels. */
export type Figures<Label extends string> =
  | number
  | readonly { readonly labels: Labels<Label>; readonly value: number }[];

/** Seconds, from a call answered from memory to one that is given up. */
export const durationBuckets: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

/**
 * An empty set of figures beside the runtime's own (processor, memory, open files, event loop delay, garbage collection). `process` tells
 * apart those of several processes that one endpoint shows: it becomes the label `process` of every series.
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
