/** Every address of the console. Links come from here and nowhere else: `<Link to={paths.application} params={{ applicationId }}>`. */
export const paths = {
  login: "/login",
  landing: "/",
  tokenManagement: "/token-management",
  reminders: "/token-management/reminders",
  tokensShown: "/token-management/tokens/$show",
  application: "/applications/$applicationId",
  activity: "/applications/$applicationId/activity",
  token: "/applications/$applicationId/tokens/$tokenId",
  webhooks: "/applications/$applicationId/webhooks",
  webhook: "/applications/$applicationId/webhooks/$endpointId",
  account: "/account",
  people: "/people",
  fintechs: "/fintechs",
  processes: "/processes",
  bookHolders: "/fintechs/$fintechId/$environment/account-holders",
  bookHolder: "/fintechs/$fintechId/$environment/account-holders/$accountHolderId",
  bookAccounts: "/fintechs/$fintechId/$environment/accounts",
  bookAccount: "/fintechs/$fintechId/$environment/accounts/$accountId",
  bookTransfers: "/fintechs/$fintechId/$environment/transfers",
  bookTransfer: "/fintechs/$fintechId/$environment/transfers/$transferId",
  teamActivity: "/fusion-team",
} as const;

/** The references, which the server renders: pages outside the console. */
export const references = { all: "/docs", fusionApi: "/docs/fusion" } as const;

/**
 * Where to go after login: the path asked for, if it is one of ours. Anything that a browser could read as another site (`//host`,
 * `/\host`, a scheme, control characters) leads to the landing page instead.
 */
export function safeReturnPath(path: string | undefined): string {
  if (path === undefined || !path.startsWith("/") || /^\/[/\\]/.test(path)) return paths.landing;
  const base = "https://console.invalid";
  const url = URL.canParse(path, base) ? new URL(path, base) : undefined;
  if (url === undefined || url.origin !== base || url.pathname === paths.login) return paths.landing;
  return url.pathname + url.search + url.hash;
}

/** Loads a page anew rather than within the console, so that nothing of the person who was logged in stays in memory. */
export function leaveFor(href: string): void {
  window.location.replace(href);
}
