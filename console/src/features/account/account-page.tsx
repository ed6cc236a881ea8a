import { Mail, Smartphone } from "lucide-react";
import { readableAddress } from "../../lib/address.ts";
import { roleWords } from "../../lib/role-words.ts";
import { useSession } from "../../lib/session.ts";
import { BouncedBadge } from "../../ui/bounced-badge.tsx";
import { Mono } from "../../ui/mono.tsx";
import { PageHeader } from "../../ui/page-header.tsx";
import classes from "./account.module.css";
import { CalendarSection } from "./calendar-section.tsx";
import { PasswordSection } from "./password-section.tsx";
import { SessionsSection } from "./sessions-section.tsx";

/** Who you are to the console, your password and calendar, and where you are logged in. */
export function AccountPage() {
  const { user, fintech } = useSession();
  return (
    <div>
      <PageHeader title="Account" />
      <section className={classes.section} aria-labelledby="who">
        <h2 id="who">You</h2>
        <dl className={classes.facts}>
          <dt>Name</dt>
          <dd>{user.name}</dd>
          <dt>Fintech</dt>
          <dd>{fintech?.name ?? "None: you belong to the Fusion team"}</dd>
          <dt>Role</dt>
          <dd>
            {roleWords[user.role].name}
            <span className={classes.note}>{roleWords[user.role].may}</span>
          </dd>
          <dt>You log in with</dt>
          <dd>
            <ul className={classes.identities}>
              {user.identities.map((identity) => (
                <li key={identity.address}>
                  {identity.channel === "sms" ? (
                    <Smartphone size={16} aria-label="Phone" />
                  ) : (
                    <Mail size={16} aria-label="Email" />
                  )}
                  <span className="figures">{readableAddress(identity.address)}</span>
                  <BouncedBadge of={identity} />
                </li>
              ))}
            </ul>
            {user.identities.some(({ bouncedAt }) => bouncedAt !== null) && (
              <span className={classes.note}>
                Reminders no longer go to an address that bounced: the provider said that there is none. Log
                in with it once, and they do again.
              </span>
            )}
            <span className={classes.note}>
              {fintech ? (
                "To change them, ask the Fusion team."
              ) : (
                <>
                  The Fusion team changes addresses at the server, by <Mono>fusion user set-email</Mono> and{" "}
                  <Mono>fusion user set-phone</Mono>.
                </>
              )}
            </span>
          </dd>
        </dl>
      </section>
      <PasswordSection />
      {fintech && <CalendarSection />}
      <SessionsSection />
    </div>
  );
}
