import { once } from "node:events";
import { createServer } from "node:http";

/** The type of Prometheus' text format. */
const contentType = "text/plain; version=0.0.4; charset=utf-8";

/**
 * Serves `GET /metrics` on a loopback port of its own, so that no proxy in front of the program leads there. Rejects with the system's
 * error when the port is not available.
 */
export async function serveMetrics(
  port: number,
  text: () => Promise<string>,
): Promise<{ close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    const path = request.url?.split("?", 1)[0];
    if (path !== "/metrics" || (request.method !== "GET" && request.method !== "HEAD")) {
      response.writeHead(path === "/metrics" ? 405 : 404).end();
      return;
    }
    try {
      const body = await text();
      response.writeHead(200, { "content-type": contentType }).end(body);
    } catch {
      response.writeHead(500).end();
    }
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Merges several processes' figures: each metric is described once, with the series of all, which differ in a label. */
export function mergeExpositions(texts: readonly string[]): string {
  const metrics = new Map<string, { readonly head: string[]; readonly series: string[] }>();
  for (const text of texts) {
    let current: { readonly head: string[]; readonly series: string[] } | undefined;
    let isNew = false;
    for (const line of text.split("\n")) {
      const [, name] = /^# HELP (\S+)/.exec(line) ?? [];
      if (name !== undefined) {
        current = metrics.get(name);
        isNew = current === undefined;
        current ??= { head: [], series: [] };
        metrics.set(name, current);
      }
      if (line.startsWith("#")) {
        if (isNew) current?.head.push(line);
      } else if (line !== "") current?.series.push(line);
    }
  }
  return [...metrics.values()].map(({ head, series }) => `${[...head, ...series].join("\n")}\n`).join("\n");
}
