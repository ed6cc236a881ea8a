// Hands the secrets that a peer made to the load generator: one per line in a file, and the file and port on standard output.
import { writeFileSync } from "node:fs";

/** Listens on a free port of loopback and tells the parent process where, and which secrets it accepts. */
export async function announce(server, secrets, extra = {}) {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  writeFileSync(process.env.SECRETS_FILE, secrets.join("\n"));
  process.stdout.write(`${JSON.stringify({ port: server.address().port, ...extra })}\n`);
}
