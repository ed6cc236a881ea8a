import { Role } from "@fusion/contract/login.ts";
import type { Environment } from "@fusion/contract/primitives.ts";
import type { Scope } from "@fusion/contract/scopes.ts";
import { Option } from "commander";
import { createApplication } from "../fintechs/create-application.ts";
import { createFintech } from "../fintechs/create-fintech.ts";
import { createIfi } from "../fintechs/create-ifi.ts";
import { findApplication, listApplicationsFor } from "../fintechs/find-application.ts";
import { getFintech, listFintechs } from "../fintechs/find-fintech.ts";
import { listIfis } from "../fintechs/find-ifi.ts";
import { grantAccess, revokeAccess } from "../fintechs/grant-access.ts";
import { suspendApplication, suspendFintech } from "../fintechs/suspend.ts";
import { approvePasswordReset } from "../login/passwords/approve-password-reset.ts";
import { createUser } from "../login/people/create-user.ts";
import { endAccess } from "../login/people/end-access.ts";
import { setIdentity } from "../login/people/set-identity.ts";
import { systemScope } from "../platform/database/database.ts";
import type { ApplicationId, UserId } from "../platform/ids.ts";
import { addApplicationPolicyCommands, policyFacts } from "./application-policy-commands.ts";
import {
  type AddCommands,
  applicationId,
  collect,
  environmentOption,
  examples,
  fintechOption,
  userId,
  wholeNumber,
} from "./command-context.ts";
import { addFintechCommands } from "./fintech-commands.ts";
import { facts, table } from "./output.ts";
import { addPeopleList, addResetList } from "./people-commands.ts";

/** Banks, fintechs, applications, people and what they may see. */
export const addOnboardingCommands: AddCommands = (program, run) => {
  const ifi = program.command("ifi").description("Banks (IFIs)");
  examples(
    ifi
      .command("create")
      .description("register a bank")
      .requiredOption("--id <number>", "its IFI id, as in every path of the Fusion API")
      .requiredOption("--name <name>", "its name"),
    ['ifi create --id 140793 --name "Example Bank"'],
  ).action((options: { id: string; name: string }) =>
    run(async ({ output, principal, ...deps }) => {
      const made = await createIfi(deps, principal, { ifiId: options.id, name: options.name });
      output.result(made, [`Registered ${made.name} as IFI ${made.ifiId}.`]);
    }),
  );

  examples(ifi.command("list").description("list banks with how many fintechs each has"), [
    "ifi list",
    "ifi list --json",
  ]).action(() =>
    run(async ({ output, db }) => {
      const ifis = await db.transaction(systemScope, async (tx) => {
        const fintechs = await listFintechs(tx);
        return (await listIfis(tx)).map((each) => ({
          ...each,
          fintechs: fintechs.filter(({ ifiId }) => ifiId === each.ifiId).length,
        }));
      });
      output.result(
        { ifis },
        ifis.length === 0
          ? ["There are no banks."]
          : table(
              ["IFI", "NAME", "FINTECHS"],
              ifis.map((each) => [each.ifiId, each.name, String(each.fintechs)]),
            ),
      );
    }),
  );

  const fintech = program.command("fintech").description("Fintechs, the tenants of a bank");
  examples(
    fintech
      .command("create")
      .description("register a fintech of a bank")
      .requiredOption("--ifi <number>", "the bank's IFI id")
      .requiredOption("--name <name>", "its name")
      .option(
        "--client-id <id>",
        "identifies it to the token service for ever; made from the name unless given",
      )
      .option("--time-zone <zone>", "IANA name of its zone (default: Asia/Kolkata)")
      .option(
        "--reminder-time <hh:mm>",
        "local time at which expiry reminders go out, until 23:30 (default: 09:00)",
      )
      .option("--tokens-max <number>", "active tokens of one application (default: 10)", wholeNumber)
      .option("--lifetime-days-max <number>", "longest life of a token (default: 365)", wholeNumber),
    [
      'fintech create --ifi 140793 --name "Acme Pay"',
      'fintech create --ifi 140793 --name "Acme Pay" --client-id acme-pay --time-zone Europe/Berlin --json',
    ],
  ).action(
    (options: {
      ifi: string;
      name: string;
      clientId?: string;
      timeZone?: string;
      reminderTime?: string;
      tokensMax?: number;
      lifetimeDaysMax?: number;
    }) =>
      run(async ({ output, principal, ...deps }) => {
        const { ifi: ifiId, ...settings } = options;
        const made = await createFintech(deps, principal, { ifiId, ...settings });
        output.result(made, [
          `Registered ${made.name}.`,
          ...facts([
            ["fintech id", made.fintechId],
            ["client id", made.clientId],
            ["IFI", made.ifiId],
          ]),
        ]);
      }),
  );

  addFintechCommands(fintech, run);

  const application = program.command("application").description("Applications of a fintech");
  examples(
    application
      .command("create")
      .description("register an application; its environment is fixed for ever")
      .addOption(fintechOption())
      .addOption(environmentOption())
      .requiredOption("--name <name>", "its name")
      .option("--description <text>", "what it is for")
      .addOption(
        new Option(
          "--scope <scope>",
          "a scope that its tokens may have; repeat for several (default: admin)",
        ).argParser(collect),
      ),
    [
      'application create --fintech acme-pay --environment sandbox --name "Payouts"',
      'application create --fintech acme-pay --environment live --name "Reports" --scope accounts:read --scope transfers:read',
    ],
  ).action(
    (options: {
      fintech: string;
      environment: Environment;
      name: string;
      description?: string;
      scope?: string[];
    }) =>
      run(async ({ output, principal, ...deps }) => {
        const { fintechId } = await deps.db.transaction(systemScope, (tx) => getFintech(tx, options.fintech));
        const made = await createApplication(deps, principal, {
          fintechId,
          environment: options.environment,
          name: options.name,
          ...(options.description === undefined ? {} : { description: options.description }),
          ...(options.scope === undefined ? {} : { scopes: options.scope as Scope[] }),
        });
        output.result({ ...made, fintechId }, [
          `Registered the ${made.environment} application ${made.name}.`,
          ...facts([["application id", made.applicationId]]),
        ]);
      }),
  );
  examples(
    application
      .command("list")
      .description("list applications")
      .option("--fintech <id>", "of this fintech only: its id or its client id"),
    ["application list", "application list --fintech acme-pay --json"],
  ).action((options: { fintech?: string }) =>
    run(async ({ output, principal, db }) => {
      const listed = await db.transaction(systemScope, async (tx) => {
        const only = options.fintech === undefined ? undefined : await getFintech(tx, options.fintech);
        const all = await listApplicationsFor(tx, principal);
        return all.filter((each) => only === undefined || each.tenant.fintechId === only.fintechId);
      });
      const applications = listed.map((each) => ({
        ...policyFacts(each),
        name: each.name,
        environment: each.tenant.environment,
        ifiId: each.tenant.ifiId,
        fintechId: each.tenant.fintechId,
        fintechName: each.fintechName,
        clientId: each.clientId,
        suspended: each.suspendedAt !== null,
        fintechSuspended: each.fintechSuspendedAt !== null,
      }));
      output.result(
        { applications },
        applications.length === 0
          ? ["There are no applications."]
          : table(
              ["APPLICATION", "ENVIRONMENT", "NAME", "FINTECH", "CLIENT ID", "STATUS"],
              applications.map((each) => [
                each.applicationId,
                each.environment,
                each.name,
                each.fintechName,
                each.clientId,
                each.suspended ? "suspended" : each.fintechSuspended ? "fintech suspended" : "at work",
              ]),
            ),
      );
    }),
  );

  addApplicationPolicyCommands(application, run);

  for (const [verb, suspended] of [
    ["suspend", true],
    ["resume", false],
  ] as const) {
    const effect = suspended ? "refuse every call of its tokens, at once" : "let its tokens work again";
    examples(
      application.command(verb).description(effect).argument("<id>", "the application", applicationId),
      [`application ${verb} app_4fTz…`],
    ).action((id: string) =>
      run(async ({ output, principal, ...deps }) => {
        const applicationId = id as ApplicationId;
        await suspendApplication(deps, principal, { applicationId, suspended });
        const found = await deps.db.transaction(systemScope, (tx) => findApplication(tx, applicationId));
        const fintechSuspended = Boolean(found?.fintechSuspendedAt);
        const waits = !suspended && fintechSuspended;
        output.result({ applicationId, suspended, fintechSuspended }, [
          waits
            ? `${id} is resumed, but its fintech is still suspended, and so its tokens are refused.`
            : `${id} is ${suspended ? "suspended" : "at work"}.`,
        ]);
      }),
    );
    examples(
      fintech.command(verb).description(effect).argument("<id>", "the fintech: its id or its client id"),
      [`fintech ${verb} acme-pay`],
    ).action((id: string) =>
      run(async ({ output, principal, ...deps }) => {
        const { fintechId, name } = await deps.db.transaction(systemScope, (tx) => getFintech(tx, id));
        await suspendFintech(deps, principal, { fintechId, suspended });
        output.result({ fintechId, suspended }, [`${name} is ${suspended ? "suspended" : "at work"}.`]);
      }),
    );
  }

  const user = program.command("user").description("People who log in to the console");
  examples(
    user
      .command("create")
      .description("give a person access to the console; they set their password at the first login")
      .requiredOption("--name <name>", "the person's name")
      .addOption(new Option("--role <role>", "what they may do").choices(Role.options).makeOptionMandatory())
      .option(
        "--fintech <id>",
        "the fintech they belong to: its id or its client id (required but for the Fusion team)",
      )
      .option("--email <address>", "an email address to log in with (this or a phone number is required)")
      .option("--phone <number>", "a phone number to log in with; ten digits mean +91"),
    [
      'user create --name "Omar Operator" --role operator_admin --email omar@example.com',
      'user create --name "Asha Rao" --role fintech_admin --fintech acme-pay --email asha@example.com --phone 9876543210',
    ],
  ).action((options: { name: string; role: Role; fintech?: string; email?: string; phone?: string }) =>
    run(async ({ output, principal, ...deps }) => {
      const { fintech: wanted } = options;
      const fintech =
        wanted === undefined ? null : await deps.db.transaction(systemScope, (tx) => getFintech(tx, wanted));
      const made = await createUser(deps, principal, {
        name: options.name,
        role: options.role,
        fintech: fintech && { ifiId: fintech.ifiId, fintechId: fintech.fintechId },
        email: options.email,
        phone: options.phone,
      });
      output.result(
        { ...made, name: options.name, role: options.role, fintechId: fintech?.fintechId ?? null },
        [
          `${options.name} may now log in and is told so.`,
          ...facts([
            ["user id", made.userId],
            ...made.identities.map(
              ({ channel, address }) => [channel === "sms" ? "phone" : "email", address] as const,
            ),
          ]),
        ],
      );
    }),
  );

  addPeopleList(user, run);
  examples(
    user
      .command("end-access")
      .description(
        "end a person's access for good, with every session, and free their phone and email; tokens that they generated stay",
      )
      .argument("<user-id>", "the person", userId),
    ["user end-access usr_9aBc…"],
  ).action((id: string) =>
    run(async ({ output, principal, ...deps }) => {
      const ended = await endAccess(deps, principal, { userId: id as UserId });
      output.result({ userId: id, ...ended }, [`${id} has no access any more.`]);
    }),
  );

  for (const [verb, channel, what, argument, example] of [
    ["set-phone", "sms", "phone number", "number", "9876543210"],
    ["set-email", "email", "email address", "address", "asha@example.com"],
  ] as const)
    examples(
      user
        .command(verb)
        .description(
          `give a person another ${what} to log in with, and end every session; they are told on the old one too`,
        )
        .argument("<user-id>", "the person", userId)
        .argument(`<${argument}>`, `the new ${what}${channel === "sms" ? "; ten digits mean +91" : ""}`),
      [`user ${verb} usr_9aBc… ${example}`],
    ).action((id: string, address: string) =>
      run(async ({ output, principal, ...deps }) => {
        const set = await setIdentity(deps, principal, { userId: id as UserId, channel, address });
        output.result({ userId: id, ...set }, [
          `${id} logs in with ${set.address} from now on and is told so.`,
        ]);
      }),
    );

  const access = program
    .command("access")
    .description("Which applications a fintech's member sees or manages");
  examples(
    access
      .command("grant")
      .description("let a person look at an application, or manage its tokens")
      .requiredOption("--application <id>", "the application", applicationId)
      .requiredOption("--user <id>", "the person", userId)
      .addOption(
        new Option("--level <level>", "view or manage").choices(["view", "manage"]).makeOptionMandatory(),
      ),
    ["access grant --application app_4fTz… --user usr_9aBc… --level manage"],
  ).action((options: { application: ApplicationId; user: UserId; level: "view" | "manage" }) =>
    run(async ({ output, principal, ...deps }) => {
      const grant = { applicationId: options.application, userId: options.user, level: options.level };
      await grantAccess(deps, principal, grant);
      output.result(grant, [`${grant.userId} may now ${grant.level} ${grant.applicationId}.`]);
    }),
  );
  examples(
    access
      .command("revoke")
      .description("take a person's access to an application away; the application's tokens stay")
      .requiredOption("--application <id>", "the application", applicationId)
      .requiredOption("--user <id>", "the person", userId),
    ["access revoke --application app_4fTz… --user usr_9aBc…"],
  ).action((options: { application: ApplicationId; user: UserId }) =>
    run(async ({ output, principal, ...deps }) => {
      const grant = { applicationId: options.application, userId: options.user };
      const { seesAll } = await revokeAccess(deps, principal, grant);
      output.result({ ...grant, seesAll }, [
        seesAll
          ? `${grant.userId} is an admin of the fintech, and so goes on seeing all its applications; only user end-access ends that.`
          : `${grant.userId} has no access to ${grant.applicationId} any more.`,
      ]);
    }),
  );

  const reset = program.command("password-reset").description("Forgotten passwords that wait for approval");
  addResetList(reset, run);
  examples(
    reset
      .command("approve")
      .description("let a person who asked for it set a new password; nobody sees or sets it for them")
      .argument("<user-id>", "the person", userId),
    ["password-reset approve usr_9aBc…"],
  ).action((id: string) =>
    run(async ({ output, principal, ...deps }) => {
      await approvePasswordReset(deps, principal, { userId: id as UserId });
      output.result({ userId: id, approved: true }, [
        `${id} may set a new password at the next login and is told so.`,
      ]);
    }),
  );
};
