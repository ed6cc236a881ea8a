import { z } from "zod";

/**
 * Everything that the audit trail can say of what was done: its object, then what became of it. An entry is never rewritten, so a name is
 * never changed; and a newer server may tell of more, so what answers with entries says `string` and whoever shows them has words for the rest.
 */
export const AuditAction = z.enum([
  "access.granted",
  "access.revoked",
  "account-holder.viewed",
  "account-holders.viewed",
  "account.status-set",
  "account.viewed",
  "accounts.viewed",
  "application.created",
  "application.policy-set",
  "application.resumed",
  "application.suspended",
  "bundle.created",
  "fintech.created",
  "fintech.resumed",
  "fintech.settings-set",
  "fintech.suspended",
  "form-factor.added",
  "form-factor.status-set",
  "funding-account.opened",
  "holder-application.approved",
  "holder-application.rejected",
  "identity.bounced",
  "ifi.created",
  "limits.removed",
  "limits.set",
  "login.locked",
  "login.recovery-required",
  "login.succeeded",
  "password.reset-approved",
  "password.reset-requested",
  "password.set",
  "resource-server.created",
  "resource-server.ended",
  "resource-server.rotated",
  "resource.target-set",
  "session.ended",
  "session.stepped-up",
  "token.found",
  "token.ip-allow-list-set",
  "token.issued",
  "token.reminder-mail-ended",
  "token.reminders-ended",
  "token.reminders-started",
  "token.renewed",
  "token.revocation-called-off",
  "token.revoked",
  "transaction-policy.status-set",
  "transfer.viewed",
  "transfers.viewed",
  "user.access-ended",
  "user.address-refused",
  "user.calendar-ended",
  "user.calendar-made",
  "user.created",
  "user.identity-changed",
  "user.reminder-mail-ended",
  "webhook-endpoint.added",
  "webhook-endpoint.deleted",
  "webhook-endpoint.disabled",
  "webhook-endpoint.edited",
  "webhook-endpoint.enabled",
  "webhook-endpoint.redelivered",
  "webhook-endpoint.secret-rotated",
]);
export type AuditAction = z.infer<typeof AuditAction>;

/** What can have been done to one kind of object, such as `token`. */
export type AuditActionOn<Kind extends string> = Extract<AuditAction, `${Kind}.${string}`>;

/** What somebody of the Fusion team can have looked at, as the audit trail names it. */
export type ViewedKind = AuditAction extends infer Action
  ? Action extends `${infer Kind}.viewed`
    ? Kind
    : never
  : never;
