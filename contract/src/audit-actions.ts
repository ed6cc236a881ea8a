import { z } from "zod";

/**
 * Every action that the audit trail can record: its object, then what happened to it. Entries are never rewritten, so a name never changes.
 * A newer server may record more, so answers with entries declare a `string`, and the code that shows them has words for the rest.
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

/** The actions on one kind of object, such as `token`. */
export type AuditActionOn<Kind extends string> = Extract<AuditAction, `${Kind}.${string}`>;

/** The kinds of object that somebody of the Fusion team can look at, as the audit trail names them. */
export type ViewedKind = AuditAction extends infer Action
  ? Action extends `${infer Kind}.viewed`
    ? Kind
    : never
  : never;
