import { type DataScope, systemScope } from "../platform/database/database.ts";
import type { Principal } from "./principal.ts";

/**
 * What a principal's transaction may see at most, enforced by row-level security: people of a fintech their fintech, a token its
 * tenant, the Fusion team and the command line everything. Use cases narrow it further (a member's applications).
 */
export function dataScopeOf(principal: Principal): DataScope {
  switch (principal.kind) {
    case "user":
      return principal.fintech ? { kind: "fintech", ...principal.fintech } : systemScope;
    case "token":
      return { kind: "tenants", tenants: [principal.tenant] };
    case "cli":
    case "system":
      return systemScope;
    default:
      return principal satisfies never;
  }
}
