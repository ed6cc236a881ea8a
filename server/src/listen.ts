import type { Config } from "./config.ts";
import { serveMetrics } from "./platform/metrics-endpoint.ts";

/** An address cannot be listened on; the message is for the person at the terminal. */
export class AddressUnusable extends Error {}

/** Begins to listen on the configured address. Throws {@link AddressUnusable}. */
export function listen(config: Config, begin: () => Promise<unknown>): Promise<unknown> {
  return explained({ host: config.host, port: config.port, variable: "PORT" }, begin);
}

/** Serves the figures at METRICS_PORT. Throws {@link AddressUnusable}. */
export function listenForMetrics(
  port: number,
  text: () => Promise<string>,
): Promise<{ close(): Promise<void> }> {
  return explained({ host: "127.0.0.1", port, variable: "METRICS_PORT" }, () => serveMetrics(port, text));
}

async function explained<Result>(
  { host, port, variable }: { host: string; port: number; variable: "PORT" | "METRICS_PORT" },
  begin: () => Promise<Result>,
): Promise<Result> {
  try {
    return await begin();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const where = `${host}:${port}`;
    const why: Record<string, string> = {
      EADDRINUSE: `Another program already uses ${where}. Stop it, or choose another port, such as ${variable}=${port === 65_535 ? 8080 : port + 1}.`,
      EACCES: `This account may not listen on ${where}. Choose a port from 1024 on with ${variable}.`,
      EADDRNOTAVAIL: `This machine has no address ${host} to listen on. Set HOST to one that it has.`,
      ENOTFOUND: `There is no machine named ${host}. Set HOST to an address of this one.`,
    };
    throw code !== undefined && why[code] !== undefined
      ? new AddressUnusable(why[code], { cause: error })
      : error;
  }
}
