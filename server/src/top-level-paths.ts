// Every top-level address under which this server answers something other than a page of the console, grouped by who calls it. Roles, the
// console's fallback, the rate limits and the services reference read it here; a test checks it against the routes.

/** Health checks of a process, whatever its roles. */
export const pathsOfEveryProcess = ["/healthz", "/readyz"] as const;

/** The references, which both people and programs read. */
export const pathsOfPeopleAndPrograms = ["/docs", "/openapi"] as const;

/** What programs call. */
export const pathsOfPrograms = [
  "/api",
  "/oauth2",
  "/gateway",
  "/.well-known/oauth-authorization-server",
  "/refusals",
  "/tokens/self",
  "/secret-scanning",
] as const;
export type PathOfPrograms = (typeof pathsOfPrograms)[number];

/** What people's browsers, mail programs and calendars request besides pages. */
export const pathsOfPeople = [
  "/console/api",
  "/assets",
  "/dev/inbox",
  "/.well-known/change-password",
  "/unsubscribe",
  "/calendar",
] as const;

/** Served at a port of their own; requested here, they are no page either. */
const pathsElsewhere = ["/metrics"] as const;

const taken: ReadonlySet<string> = new Set(
  [
    ...pathsOfEveryProcess,
    ...pathsOfPeopleAndPrograms,
    ...pathsOfPrograms,
    ...pathsOfPeople,
    ...pathsElsewhere,
  ].map(firstPart),
);

/**
 * Whether a path may be a page of the console, which alone knows its pages. A path that shares its first part with an address above is not:
 * a program that missed an address by a letter, or by a setting, must not get a page and take it for success.
 */
export function mayBePage(path: string): boolean {
  return !taken.has(firstPart(path));
}

function firstPart(path: string): string {
  return path.split("/", 2)[1] ?? "";
}
