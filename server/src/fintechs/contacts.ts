import type { Role } from "@fusion/contract/login.ts";
import type { Queryable } from "../platform/database/database.ts";
import type { ApplicationId, FintechKey, UserId } from "../platform/ids.ts";

/** A person who looks after a fintech or one of its applications, with the address to show or write to. */
export interface Contact {
  readonly userId: UserId;
  readonly name: string;
  readonly role: Role;
  /** The email, else the phone. */
  readonly address: string;
  readonly channel: "email" | "sms";
}

interface ContactRow {
  user_id: UserId;
  name: string;
  role: Role;
  address: string;
  channel: "email" | "sms";
}

// An email sorts before a phone ('email' < 'sms'), so DISTINCT ON keeps it.
const select = `
  SELECT * FROM (
    SELECT DISTINCT ON (user_id) user_id, name, role, address, channel
    FROM console_user JOIN identity USING (user_id)
    WHERE disabled_at IS NULL AND bounced_at IS NULL AND ifi_id = $1 AND fintech_id = $2 AND CONDITION
    ORDER BY user_id, channel) AS contact
  ORDER BY role, name, user_id`;

/** The fintech's admins who can be reached, by name. */
export async function listFintechAdmins(db: Queryable, fintech: FintechKey): Promise<Contact[]> {
  const rows = await db.query<ContactRow>(select.replace("CONDITION", "role = 'fintech_admin'"), [
    fintech.ifiId,
    fintech.fintechId,
  ]);
  return rows.map(toContact);
}

/** The people who look after an application: the fintech's admins and those who may manage it. */
export async function listApplicationContacts(
  db: Queryable,
  application: {
    readonly applicationId: ApplicationId;
    readonly tenant: FintechKey;
  },
): Promise<Contact[]> {
  const rows = await db.query<ContactRow>(
    select.replace(
      "CONDITION",
      `(role = 'fintech_admin' OR EXISTS (SELECT FROM application_access AS granted
         WHERE granted.user_id = console_user.user_id AND granted.application_id = $3 AND granted.level = 'manage'))`,
    ),
    [application.tenant.ifiId, application.tenant.fintechId, application.applicationId],
  );
  return rows.map(toContact);
}

function toContact(row: ContactRow): Contact {
  return {
    userId: row.user_id,
    name: row.name,
    role: row.role,
    address: row.address,
    channel: row.channel,
  };
}
