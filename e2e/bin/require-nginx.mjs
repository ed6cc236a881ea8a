// The sample configuration of docs/gateway.md is run in a real nginx.
import { existsSync } from "node:fs";
import { requireProgram } from "./require-program.mjs";

const candidates = [
  process.env.NGINX_PATH,
  "/usr/sbin/nginx",
  "/usr/local/sbin/nginx",
  "/opt/homebrew/bin/nginx",
].filter((path) => path !== undefined && path !== "");

/** Path of an installed nginx, or undefined. */
export function findNginx() {
  return candidates.find((path) => existsSync(path));
}

if (import.meta.main ?? process.argv[1] === new URL(import.meta.url).pathname) {
  requireProgram({
    find: findNginx,
    whoNeedsIt: "The test of the gateway check behind nginx needs nginx.",
    debianPackage: "nginx-light",
    otherwise: "or set NGINX_PATH to the program of an installed nginx with the auth_request module",
  });
}
