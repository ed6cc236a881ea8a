import type { Role } from "@fusion/contract/login.ts";
import type { CommandLinePrincipal } from "../access/principal.ts";
import { createBundle } from "../bundles/create-bundle.ts";
import { createApplication } from "../fintechs/create-application.ts";
import { createFintech } from "../fintechs/create-fintech.ts";
import { createIfi } from "../fintechs/create-ifi.ts";
import { grantAccess } from "../fintechs/grant-access.ts";
import { exampleIds } from "../fusion-api/examples/example-ids.ts";
import { openFundingAccount } from "../ledger/open-funding-account.ts";
import { createUser } from "../login/people/create-user.ts";
import type { Clock } from "../platform/clock.ts";
import { withAdvisoryLock } from "../platform/database/advisory-lock.ts";
import { type Database, systemScope } from "../platform/database/database.ts";
import type {
  ApplicationId,
  Environment,
  FintechId,
  FintechKey,
  IfiId,
  Tenant,
  UserId,
} from "../platform/ids.ts";
import type { Keys } from "../platform/keys.ts";
import type { Random } from "../platform/random.ts";

interface Deps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly keys: Keys;
  readonly publicUrl: string;
}

/** Someone who can log in; their first login sets the password. */
export interface DemonstrationPerson {
  readonly name: string;
  readonly role: Role;
  /** The role, such as `admin of Paisa Pocket`. */
  readonly what: string;
  /** Ten digits, as people type them. */
  readonly phone: string;
  readonly email: string;
}

interface DemonstrationFintech {
  readonly name: string;
  readonly clientId: string;
  readonly application: { readonly name: string; readonly description: string };
  readonly bundle: { readonly name: string; readonly account: string; readonly payment: string };
  readonly admin: DemonstrationPerson;
  readonly member: DemonstrationPerson;
}

const demonstrationIfiId = exampleIds.ifi as IfiId;
/** The same in each fintech and environment, so that the reference's examples can name it. */
const demonstrationBundleId = exampleIds.bundle;
const openingBalanceMinor = 1_000_000_00n;

const actor: CommandLinePrincipal = { kind: "cli", account: "demonstration data" };

const operator: DemonstrationPerson = {
  name: "Priya Menon",
  role: "operator_admin",
  what: "Fusion team, admin",
  phone: "9000000009",
  email: "priya@fusion.example",
};

const fintechs: readonly DemonstrationFintech[] = [
  {
    name: "Paisa Pocket",
    clientId: "paisa-pocket",
    application: { name: "Pocket Wallet", description: "Wallets for students and first earners." },
    bundle: { name: "Pocket Wallet", account: "Wallet account", payment: "Wallet card" },
    admin: {
      name: "Asha Rao",
      role: "fintech_admin",
      what: "Paisa Pocket, admin",
      phone: "9000000001",
      email: "asha@paisapocket.example",
    },
    member: {
      name: "Vikram Shah",
      role: "fintech_member",
      what: "Paisa Pocket, member",
      phone: "9000000002",
      email: "vikram@paisapocket.example",
    },
  },
  {
    name: "Kirana Credit",
    clientId: "kirana-credit",
    application: { name: "Shop Ledger", description: "Accounts and credit for corner shops." },
    bundle: { name: "Shop Account", account: "Shop current account", payment: "Shop UPI handle" },
    admin: {
      name: "Meera Nair",
      role: "fintech_admin",
      what: "Kirana Credit, admin",
      phone: "9000000003",
      email: "meera@kiranacredit.example",
    },
    member: {
      name: "Arjun Das",
      role: "fintech_member",
      what: "Kirana Credit, member",
      phone: "9000000004",
      email: "arjun@kiranacredit.example",
    },
  },
];

/** Everyone who can log in to the demonstration. */
export const demonstrationPeople: readonly DemonstrationPerson[] = [
  ...fintechs.flatMap(({ admin, member }) => [admin, member]),
  operator,
];

/**
 * Fills an empty development database with a bank, two fintechs and everything that a first transfer needs, through the same use cases as
 * the command line. Each step first looks for what it would make, so the next start completes one that was killed half-way. A database with
 * other data or people is left alone. Returns the people who can log in, or none for such a database.
 */
export async function arrangeDemonstration(deps: Deps): Promise<readonly DemonstrationPerson[]> {
  // Processes that start at once on an empty database would otherwise make everything twice.
  const client = await deps.db.connect();
  try {
    return await withAdvisoryLock(client, "demonstration", () => arrangeUnlessDone(deps));
  } finally {
    client.release();
  }
}

async function arrangeUnlessDone(deps: Deps): Promise<readonly DemonstrationPerson[]> {
  const [state] = await deps.db.reader(systemScope).query<{ done: boolean; foreign: boolean }>(
    // People are found by name, since addresses change. The operator comes last, and nobody before the bank.
    `SELECT EXISTS (SELECT FROM console_user WHERE name = $1 AND role = 'operator_admin')
              AND EXISTS (SELECT FROM fintech WHERE client_id = ANY ($3)) AS done,
            EXISTS (SELECT FROM ifi WHERE ifi_id <> $2)
              OR EXISTS (SELECT FROM fintech WHERE client_id <> ALL ($3))
              OR EXISTS (SELECT FROM console_user WHERE name <> ALL ($4) OR NOT EXISTS (SELECT FROM ifi)) AS foreign`,
    [
      operator.name,
      demonstrationIfiId,
      fintechs.map(({ clientId }) => clientId),
      demonstrationPeople.map(({ name }) => name),
    ],
  );
  if (state?.done) return demonstrationPeople;
  if (state?.foreign) return [];
  const known = await deps.db
    .reader(systemScope)
    .query("SELECT FROM ifi WHERE ifi_id = $1", [demonstrationIfiId]);
  if (known.length === 0)
    await createIfi(deps, actor, { ifiId: demonstrationIfiId, name: "Demonstration Bank" });
  await Promise.all(fintechs.map((fintech) => arrangeFintech(deps, fintech)));
  // The operator comes last: its presence says that all the rest is there.
  await findOrCreateUser(deps, operator, null);
  return demonstrationPeople;
}

async function arrangeFintech(deps: Deps, wanted: DemonstrationFintech): Promise<void> {
  const [found] = await deps.db
    .reader(systemScope)
    .query<{ fintech_id: FintechId }>("SELECT fintech_id FROM fintech WHERE client_id = $1", [
      wanted.clientId,
    ]);
  const fintechId =
    found?.fintech_id ??
    (
      await createFintech(deps, actor, {
        ifiId: demonstrationIfiId,
        name: wanted.name,
        clientId: wanted.clientId,
      })
    ).fintechId;
  const fintech = { ifiId: demonstrationIfiId, fintechId };
  await findOrCreateUser(deps, wanted.admin, fintech);
  const memberId = await findOrCreateUser(deps, wanted.member, fintech);
  for (const environment of ["sandbox", "live"] as const) {
    const applicationId = await findOrCreateApplication(deps, wanted, fintechId, environment);
    await grantAccess(deps, actor, {
      applicationId,
      userId: memberId,
      level: environment === "sandbox" ? "manage" : "view",
    });
    await arrangeMoney(deps, wanted, { ...fintech, environment });
  }
}

async function findOrCreateUser(
  deps: Deps,
  { name, role, phone, email }: DemonstrationPerson,
  fintech: FintechKey | null,
): Promise<UserId> {
  // Found by name: a person whose access was ended, or who got another address, is not made again.
  const [found] = await deps.db
    .reader(systemScope)
    .query<{ user_id: UserId }>(
      "SELECT user_id FROM console_user WHERE name = $1 AND role = $2 AND fintech_id IS NOT DISTINCT FROM $3",
      [name, role, fintech?.fintechId ?? null],
    );
  return found?.user_id ?? (await createUser(deps, actor, { name, role, fintech, phone, email })).userId;
}

async function findOrCreateApplication(
  deps: Deps,
  { application }: DemonstrationFintech,
  fintechId: FintechId,
  environment: Environment,
): Promise<ApplicationId> {
  const [found] = await deps.db
    .reader(systemScope)
    .query<{ application_id: ApplicationId }>(
      "SELECT application_id FROM application WHERE fintech_id = $1 AND environment = $2",
      [fintechId, environment],
    );
  if (found) return found.application_id;
  const made = await createApplication(deps, actor, {
    fintechId,
    environment,
    name: environment === "sandbox" ? `${application.name} Sandbox` : application.name,
    description: application.description,
    scopes: ["admin", "account-holders:write", "bundles:issue", "accounts:read", "transfers:write"],
  });
  return made.applicationId;
}

/** Makes a bundle and a funding account in one transaction, so that one's presence proves the other's. */
async function arrangeMoney(
  deps: Deps,
  { name, bundle }: DemonstrationFintech,
  tenant: Tenant,
): Promise<void> {
  await deps.db.transaction({ kind: "tenants", tenants: [tenant] }, async (tx) => {
    const found = await tx.query("SELECT FROM bundle WHERE bundle_id = $1", [demonstrationBundleId]);
    if (found.length > 0) return;
    await createBundle(deps, tx, actor, tenant, {
      bundleId: demonstrationBundleId,
      name: bundle.name,
      accountProducts: [{ productName: bundle.account }],
      paymentProducts: [{ productName: bundle.payment }],
    });
    await openFundingAccount(tx, deps, tenant, {
      name: `${name} funding`,
      openingBalanceMinor,
      requestedBy: "cli",
    });
  });
}
