import type { Brand, Environment, FintechId, IfiId, Tenant } from "../platform/ids.ts";
import { type Random, randomBase62 } from "../platform/random.ts";

/** Its client id. */
export type ResourceServerId = Brand<string, "ResourceServerId">;

/** A service of the platform that may ask about the tokens of one bank's environment, or of one fintech there. */
export interface ResourceServer {
  readonly resourceServerId: ResourceServerId;
  readonly name: string;
  readonly ifiId: IfiId;
  readonly environment: Environment;
  /** Null for all fintechs of the bank. */
  readonly fintechId: FintechId | null;
  readonly createdAt: Date;
  readonly rotatedAt: Date | null;
  readonly endedAt: Date | null;
}

/** Whether tokens of this tenant are any of its business; all others look unknown to it. */
export function mayAskAbout(server: ResourceServer, tenant: Tenant): boolean {
  return (
    server.ifiId === tenant.ifiId &&
    server.environment === tenant.environment &&
    (server.fintechId === null || server.fintechId === tenant.fintechId)
  );
}

/** A fresh secret of 238 bits. Its prefix differs from a token's, so that neither is mistaken for the other. */
export function generateResourceServerSecret(random: Random): string {
  return `fusrs_${randomBase62(random, 40)}`;
}
