// Every address below which this server answers something that is no page of the console, by who asks there. Roles, the console's fallback,
// the rate limits and the reference of services read it here; a test holds it against the routes.

/** Whoever runs a process asks it how it is, whatever it does. */
export const pathsOfEveryProcess = ["/healthz", "/readyz"] as const;

/** Who reads the references may come from either side. */
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

/** What people's browsers, mail programs and calendars ask for besides pages. */
export const pathsOfPeople = [
  "/console/api",
  "/assets",
  "/dev/inbox",
  "/.well-known/change-password",
  "/unsubscribe",
  "/calendar",
] as const;

/** Answered at a port of their own, and still no page for whoever asks for them here. */
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
 * Whether a path may be a page of the console, which alone knows which there are. What shares its first part with an address above is none:
 * a program that missed an address by a letter, or by a setting, must not get a page and take it for success.
 */
export function mayBePage(path: string): boolean {
  return !taken.has(firstPart(path));
}

function firstPart(path: string): string {
  return path.split("/", 2)[1] ?? "";
}
