import { Writable } from "node:stream";
import { pino } from "pino";
import { SessionRequired } from "../access/errors.ts";
import type { UserPrincipal } from "../access/principal.ts";
import { createHttpServer, type HttpServer } from "../platform/http/server.ts";
import { systemRandom } from "../platform/random.ts";

export interface ConsoleHttp {
  readonly http: HttpServer;
  /** Replaces the login room: a request with the header `x-person: <userId>` comes from that person. */
  authenticate(request: { headers: Record<string, string | string[] | undefined> }): Promise<UserPrincipal>;
  /** Makes a person known. */
  knows(person: UserPrincipal): void;
  /** Everything logged so far, at the most verbose level. */
  logged(): string;
}

/** An HTTP server for the routes of one room, where tests say who is calling. */
export function createConsoleHttp(): ConsoleHttp {
  const people = new Map<string, UserPrincipal>();
  let text = "";
  const sink = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const http = createHttpServer({
    log: pino({ level: "trace" }, sink),
    random: systemRandom,
    trustedProxies: [],
  });
  return {
    http,
    async authenticate(request) {
      const person = people.get(String(request.headers["x-person"]));
      if (!person) throw new SessionRequired();
      return person;
    },
    knows: (person) => void people.set(person.userId, person),
    logged: () => text,
  };
}
