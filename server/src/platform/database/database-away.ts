import { failedToConnect } from "./connecting-client.ts";
import { OutcomeUnknown } from "./outcome-unknown.ts";
import { refusalOf } from "./refused-writes.ts";

/**
 * Whether the server could not be reached, does not answer, starts or stops, lets nobody in ({@link failedToConnect}), or the connection to
 * it broke: nothing that a statement caused. Class 08 connection exceptions, 57P01-57P03 shutdown and start, 53300 too many connections,
 * errors of sockets and of the network, and pg's own messages. Also a server that answers and refuses writes ({@link refusalOf}), so that
 * nothing was written: after a failover, connections may lead to what is a standby now.
 */
export function isDatabaseAway(error: unknown): boolean {
  if (error instanceof OutcomeUnknown) return isDatabaseAway(error.cause);
  if (failedToConnect(error)) return true;
  const { code, message, syscall } = (error ?? {}) as {
    code?: unknown;
    message?: unknown;
    syscall?: unknown;
  };
  // A missing socket, not some other missing file.
  if (code === "ENOENT") return syscall === "connect";
  if (refusalOf(error) !== undefined) return true;
  if (typeof code === "string")
    return /^(08...|57P0[123]|53300|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|EAI_AGAIN)$/.test(
      code,
    );
  return (
    typeof message === "string" &&
    /^(Connection terminated|timeout expired|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Cannot use a pool after)/.test(
      message,
    )
  );
}
