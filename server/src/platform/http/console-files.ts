import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Random } from "../random.ts";
import { routedPath } from "./routed-path.ts";
import type { HttpServer } from "./server.ts";

const types: Record<string, string> = {
  css: "text/css; charset=utf-8",
  ico: "image/x-icon",
  js: "text/javascript; charset=utf-8",
  json: "application/json; charset=utf-8",
  map: "application/json; charset=utf-8",
  png: "image/png",
  svg: "image/svg+xml",
  txt: "text/plain; charset=utf-8",
  webmanifest: "application/manifest+json",
  woff2: "font/woff2",
};
const compressible = /^(text|application)\/|svg/;

interface ConsoleFile {
  readonly type: string;
  readonly plain: Buffer;
  readonly gzip?: Buffer;
  readonly br?: Buffer;
}

/**
 * Serves the built console from `folder`. Files with a hash in their name are cached for ever. `index.html` is never cached and gets a
 * fresh nonce in place of each `__NONCE__`; its policy allows only that nonce. Every address that may be a page answers a browser with
 * `index.html`, since the console's router knows its pages; any other unknown address is a plain 404. Only names that were found in the
 * folder are ever read.
 */
export function serveConsole(
  http: HttpServer,
  {
    folder,
    random,
    mayBePage,
  }: {
    readonly folder: string;
    readonly random: Random;
    readonly mayBePage: (path: string) => boolean;
  },
): void {
  const files = new Map<string, Promise<ConsoleFile>>();
  const find = (path: string): Promise<ConsoleFile> | undefined => {
    const known = files.get(path);
    if (known) return known;
    // Listed again on a miss, so that a console built while we run is found.
    const [place, name = ""] = path.startsWith("assets/") ? ["assets", path.slice(7)] : ["", path];
    if (name === "index.html" || !listFiles(join(folder, place)).includes(name)) return undefined;
    const loading = load(join(folder, place, name));
    files.set(path, loading);
    loading.catch(() => files.delete(path));
    return loading;
  };

  http.get<{ Params: { name: string } }>(
    "/assets/:name",
    { schema: { hide: true } },
    async (request, reply) => {
      const file = find(`assets/${request.params.name}`);
      if (!file) return reply.callNotFound();
      return sendFile(request, reply, await file, "public, max-age=31536000, immutable");
    },
  );

  http.fallback.page = async (request, reply) => {
    const path = request.url.split("?", 1)[0] ?? "/";
    if ((request.method !== "GET" && request.method !== "HEAD") || !mayBePage(routedPath(request.url)))
      return false;
    const file = /^\/[\w.-]+\.[a-z0-9]+$/.test(path) ? find(path.slice(1)) : undefined;
    if (file) {
      sendFile(request, reply, await file, "public, max-age=3600");
      return true;
    }
    // A missing file is not a page, and a program that does not accept HTML wants none.
    const wantsPage = /\btext\/html\b|\*\/\*/.test(request.headers.accept ?? "*/*");
    if (!wantsPage || /\.[a-z0-9]{2,5}$/.test(path)) return false;
    sendIndex(reply, folder, random);
    return true;
  };
}

function sendIndex(reply: FastifyReply, folder: string, random: Random): FastifyReply {
  let page: string;
  try {
    page = readFileSync(join(folder, "index.html"), "utf8");
  } catch {
    return reply
      .status(503)
      .type("text/html; charset=utf-8")
      .send(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Fusion</title><h1>The console is not built yet</h1><p>Run <code>npm run build --workspace console</code> (or <code>npm ci</code>, which builds it) and reload this page. The APIs work already.</p>",
      );
  }
  const nonce = random.bytes(18).toString("base64");
  return reply
    .type("text/html; charset=utf-8")
    .header("content-security-policy", consolePolicy(nonce))
    .send(page.replaceAll("__NONCE__", nonce));
}

function consolePolicy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "style-src-attr 'none'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  file: ConsoleFile,
  caching: string,
): FastifyReply {
  const accepted = acceptedEncodings(request.headers["accept-encoding"] ?? "");
  const encoding = (["br", "gzip"] as const).find((name) => file[name] && accepted.includes(name));
  reply.type(file.type).header("cache-control", caching).header("vary", "accept-encoding");
  if (encoding) reply.header("content-encoding", encoding);
  return reply.send(encoding ? file[encoding] : file.plain);
}

/**
 * The encodings that the header names without refusing them by a weight of 0 (RFC 9110 section 12.5.3). Encodings that it does not name are
 * not used.
 */
function acceptedEncodings(header: string): string[] {
  return header
    .toLowerCase()
    .split(",")
    .map((choice) => choice.split(";").map((part) => part.trim()))
    .filter(([, ...parameters]) => !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter)))
    .map(([name = ""]) => name);
}

/** Read and compressed once, at the first request. */
async function load(path: string): Promise<ConsoleFile> {
  const plain = readFileSync(path);
  const type = types[path.slice(path.lastIndexOf(".") + 1)] ?? "application/octet-stream";
  if (!compressible.test(type) || plain.length < 1_000) return { type, plain };
  const [zipped, br] = await Promise.all([
    promisify(gzip)(plain, { level: 6 }),
    promisify(brotliCompress)(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
  ]);
  return { type, plain, gzip: zipped, br };
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => statSync(join(folder, name)).isFile());
  } catch {
    return [];
  }
}
