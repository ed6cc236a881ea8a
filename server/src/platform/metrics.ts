// What a room needs to report figures. Where METRICS_PORT is set it gets a `Metrics` as an argument (prometheus.ts makes it). Otherwise it
// gets none: then nothing is counted, and the metrics library is not loaded.

export interface MetricDescription<Label extends string = never> {
  /** `fusion_…`, with the unit last (`_seconds`, `_bytes`, `_total` for what only grows). */
  readonly name: string;
  readonly help: string;
  /**
   * Each combination of values is a series for as long as the process lives: use only few and fixed values, such as a route's pattern,
   * never an id, an address or anything else that a caller chooses.
   */
  readonly labels?: readonly Label[];
}

export type Labels<Label extends string> = Readonly<Record<Label, string>>;

/** The figures of one process. */
export interface Metrics {
  /** A figure that is read when somebody asks for it. */
  gauge<Label extends string = never>(
    description: MetricDescription<Label> & {
      readonly read: () => Figures<Label> | Promise<Figures<Label>>;
    },
  ): void;
  /** A figure that only increases. */
  counter<Label extends string = never>(
    description: MetricDescription<Label>,
  ): { add(labels: Labels<Label>, by?: number): void };
  /** How many values were up to each of `buckets`, their count and their sum. */
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

/** Seconds: from a call answered from memory to one that timed out. */
export const durationBuckets: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];
