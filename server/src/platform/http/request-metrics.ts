import { durationBuckets, type Metrics } from "../metrics.ts";
import type { HttpServer } from "./server.ts";

/** Requests that reached no route: callers choose the addresses, so they all count as one. */
const noRoute = "(none)";

/** Counts and times every request by its route's pattern, never by its address. */
export function measureRequests(http: HttpServer, metrics: Pick<Metrics, "counter" | "histogram">): void {
  const requests = metrics.counter({
    name: "fusion_http_requests_total",
    help: "Requests answered.",
    labels: ["method", "route", "status"],
  });
  const durations = metrics.histogram({
    name: "fusion_http_request_duration_seconds",
    help: "From a request's headers to the end of its answer.",
    labels: ["method", "route"],
    buckets: durationBuckets,
  });
  http.onAnswered(({ method, route, status, ms }) => {
    const labels = { method, route: route ?? noRoute };
    requests.add({ ...labels, status: String(status) });
    durations.observe(labels, ms / 1_000);
  });
}
