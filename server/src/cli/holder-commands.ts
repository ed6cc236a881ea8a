import type { Environment } from "@fusion/contract/primitives.ts";
import { Option } from "commander";
import { z } from "zod";
import { decideApplication } from "../account-holders/decide-application.ts";
import type { ApplicationStatus, HolderApplication } from "../account-holders/individual.ts";
import { listApplications } from "../account-holders/read-application.ts";
import { parseInput, shownText } from "../fintechs/parse-input.ts";
import type { Tenant } from "../platform/ids.ts";
import {
  type AddCommands,
  environmentOption,
  examples,
  fintechOption,
  formed,
  tenantOf,
  wholeNumber,
} from "./command-context.ts";
import { facts, table } from "./output.ts";

const applicationNumber = formed(/^[0-9]{1,18}$/, "An application's number is made of digits.");
const Rejection = z.object({ reason: shownText(500).min(1) });

/** Applications for account holders: the bank's decision on them. */
export const addHolderCommands: AddCommands = (program, run) => {
  const group = program
    .command("holder-application")
    .description("Applications for account holders, on which the bank decides");
  examples(
    group
      .command("list")
      .description("list a fintech's applications, newest first")
      .addOption(fintechOption())
      .addOption(environmentOption())
      .addOption(
        new Option("--status <status>", "which ones").choices(["PROCESSING", "APPROVED", "REJECTED"]),
      )
      .option("--page <number>", "which page of 100", wholeNumber, 1),
    ["holder-application list --fintech acme-pay --environment live --status PROCESSING"],
  ).action(
    (options: { fintech: string; environment: Environment; status?: ApplicationStatus; page: number }) =>
      run(async (context) => {
        const tenant = await tenantOf(context, options);
        const keys = context.keys();
        const found = await context.db.transaction({ kind: "tenants", tenants: [tenant] }, (tx) =>
          listApplications({ keys }, tx, tenant, {
            status: options.status,
            pageNumber: Math.max(options.page, 1),
            pageSize: 100,
          }),
        );
        context.output.result(
          { applications: found.map((one) => shown(one, tenant)) },
          found.length === 0
            ? ["There are no such applications."]
            : table(
                ["NUMBER", "STATUS", "KIND", "NAME", "KYC", "SUBMITTED"],
                found.map((one) => [
                  one.applicationNumber,
                  one.status,
                  one.kind,
                  nameOf(one),
                  one.individual.kyc.status,
                  one.createdAt,
                ]),
              ),
        );
      }),
  );
  examples(
    group
      .command("approve")
      .description("approve an application: the account holder is created, or gets its new KYC level")
      .argument("<number>", "the application", applicationNumber),
    ["holder-application approve 1000001"],
  ).action((number: string) =>
    run(async (context) => {
      const decided = await decideApplication({ ...context, keys: context.keys() }, context.principal, {
        applicationNumber: number,
        decision: { kind: "approve" },
      });
      context.output.result(shown(decided, decided.tenant), [
        `Approved the application ${number} of ${nameOf(decided)}.`,
        ...facts([["account holder", decided.accountHolderId ?? ""]]),
      ]);
    }),
  );
  examples(
    group
      .command("reject")
      .description("reject an application, for good")
      .argument("<number>", "the application", applicationNumber)
      .requiredOption("--reason <text>", "why; the fintech can read it"),
    ['holder-application reject 1000001 --reason "The address could not be confirmed"'],
  ).action((number: string, options: { reason: string }) =>
    run(async (context) => {
      const { reason } = parseInput(Rejection, options);
      const decided = await decideApplication({ ...context, keys: context.keys() }, context.principal, {
        applicationNumber: number,
        decision: { kind: "reject", reason },
      });
      context.output.result(shown(decided, decided.tenant), [
        `Rejected the application ${number} of ${nameOf(decided)}.`,
        ...facts([["reason", reason]]),
      ]);
    }),
  );
};

/** The fields that are shown, never the identity numbers. */
function shown(application: HolderApplication, tenant: Tenant) {
  const {
    applicationNumber: number,
    kind,
    status,
    reason,
    accountHolderId,
    createdAt,
    updatedAt,
  } = application;
  return {
    applicationNumber: number,
    kind,
    status,
    reason,
    accountHolderId,
    name: nameOf(application),
    kycStatus: application.individual.kyc.status,
    createdAt,
    updatedAt,
    ifiId: tenant.ifiId,
    fintechId: tenant.fintechId,
    environment: tenant.environment,
  };
}

function nameOf({ individual }: HolderApplication): string {
  const { firstName, middleName, lastName } = individual;
  return [firstName, middleName, lastName].filter((part) => part !== "").join(" ") || "(without a name)";
}
