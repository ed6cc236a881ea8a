// Servers that answer a constant, to compare the check with what every program pays. SERVER is `bare` (node:http), `fastify` (the same
// Fastify with the same options) or `frame` (our createHttpServer: ids, security headers and a log line for every answer). Prints its port
// as JSON on standard output.
import { createServer } from "node:http";
import Fastify from "fastify";
import { createHttpServer, fastifyOptions } from "../server/src/platform/http/server.ts";
import { systemRandom } from "../server/src/platform/random.ts";
import { announcePort, unreadLog } from "./bench-server.ts";

const options = { log: unreadLog(), random: systemRandom, trustedProxies: ["127.0.0.1"] };
const kind = process.env.SERVER;
if (kind === "bare") {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-length": "2" }).end("ok");
  });
  server.listen(0, "127.0.0.1", () => announcePort(server));
} else {
  const http =
    kind === "frame" ? createHttpServer({ ...options, https: true }) : Fastify(fastifyOptions(options));
  http.get("/constant", (_request, reply) => void reply.send("ok"));
  await http.listen({ port: 0, host: "127.0.0.1" });
  announcePort(http.server);
}
