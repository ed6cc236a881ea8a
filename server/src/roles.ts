/** What a process does: serve the console, serve the APIs of programs, publish events and work off jobs. */
export const roles = ["console", "api", "jobs"] as const;
export type Role = (typeof roles)[number];

/** Whoever runs a process asks it how it is, whatever it does. */
const ofEveryProcess = ["/healthz", "/readyz"];
/** Who reads the references may come from either side. */
const ofPeopleAndPrograms = ["/docs", "/openapi"];
/** What programs call. */
export const ofPrograms: readonly string[] = [
  "/api",
  "/oauth2",
  "/gateway",
  "/.well-known/oauth-authorization-server",
  "/refusals",
  "/tokens/self",
  "/secret-scanning",
];

/** Whether a process of these roles answers this path; whatever belongs to nothing else is a page of the console. */
export function isServed(served: readonly Role[], path: string): boolean {
  const isBelow = (prefix: string): boolean => path === prefix || path.startsWith(`${prefix}/`);
  if (ofEveryProcess.includes(path)) return true;
  if (ofPeopleAndPrograms.some(isBelow)) return served.includes("console") || served.includes("api");
  return served.includes(ofPrograms.some(isBelow) ? "api" : "console");
}
