import { durationBuckets, type Metrics } from "../metrics.ts";
import type { HttpServer } from "./server.ts";

/** What reached no route: addresses are the callers' to choose, so they all count as one. */
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
  http.addHook("onResponse", (request, reply, done) => {
    const { method } = request;
    const route = request.routeOptions.url ?? noRoute;
    requests.add({ method, route, status: String(reply.statusCode) });
    durations.observe({ method, route }, reply.elapsedTime / 1_000);
    done();
  });
}
