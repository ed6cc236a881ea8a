import { readFileSync } from "node:fs";
import type { Environment } from "@fusion/contract/primitives.ts";
import type { Command } from "commander";
import { z } from "zod";
import { IfiIdText } from "../fintechs/create-ifi.ts";
import { parseInput } from "../fintechs/parse-input.ts";
import { InvalidInput } from "../platform/errors.ts";
import type { IfiId } from "../platform/ids.ts";
import { listKycLimits, parseLimits, setKycLimits, setProductLimits } from "../transfers/set-limits.ts";
import {
  type AddCommands,
  asking,
  environmentOption,
  examples,
  fintechOption,
  formed,
  tenantOf,
} from "./command-context.ts";

const uuid = formed(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, "It must be a UUID.");
const Bank = z.object({ ifi: IfiIdText });
const kycLevel = formed(/^[A-Z][A-Z_]{0,63}$/, "A KYC level looks like MINIMAL.");

const form = `
The rules are JSON, all of it optional, amounts in paise:
  { "limits": [{ "period": "TRANSACTION" | "DAY" | "WEEK" | "MONTH" | "QUARTER" | "YEAR", "direction": "DEBIT" | "CREDIT",
      "minimumAmount": 100, "maximumAmount": 1000000, "maximumCount": 50 }],
    "allowedTransferCodes": ["…"], "disallowedTransferCodes": ["…"], "transferCodeDirection": "DEBIT" | "CREDIT",
    "maximumBalance": 1000000 }
Limits are of debits and lists of codes of both directions, unless one is given.
Periods are those of the bank's time zone. What was moved in the current period counts. A product's limits are for each account, those of
a level for all accounts together that a holder has with a fintech: periods and maximumBalance (in each currency) alike.`;

/** What accounts and holders may move. */
export const addLimitCommands: AddCommands = (program, run) => {
  const limits = program
    .command("limits")
    .description("Limits: what accounts and their holders may move, by account product and by KYC level");

  examples(
    withRules(
      limits
        .command("product")
        .description("set or remove the limits of all accounts opened from an account product")
        .addOption(fintechOption())
        .addOption(environmentOption())
        .requiredOption("--bundle <id>", "the bundle", uuid)
        .requiredOption("--account-product <id>", "the account product in it", uuid),
    ),
    [
      `limits product --fintech acme-pay --environment sandbox --bundle 6f1d3c52-… --account-product 0b6e… --rules '{"maximumBalance":1000000}'`,
      "limits product --fintech acme-pay --environment live --bundle 6f1d3c52-… --account-product 0b6e… --none",
    ],
  ).action(
    (
      options: { fintech: string; environment: Environment; bundle: string; accountProduct: string } & Rules,
    ) =>
      run(async (context) => {
        const rules = rulesOf(options);
        const tenant = await tenantOf(context, options);
        const { bundle: bundleId, accountProduct: accountProductId } = options;
        if (!rules)
          await context.confirm(
            `This removes all limits of accounts opened from the product ${accountProductId}.`,
          );
        await setProductLimits(context, context.principal, tenant, { bundleId, accountProductId }, rules);
        context.output.result({ ...tenant, bundleId, accountProductId, rules }, [
          rules
            ? "The limits hold from the next transfer on."
            : "There are no limits of this product any more.",
        ]);
      }),
  );

  examples(
    withRules(
      limits
        .command("kyc")
        .description(
          "set or remove the limits of all holders of a KYC level at a bank; those of MINIMAL also limit holders whose level the bank has not approved, or has expired",
        )
        .requiredOption("--ifi <number>", "the bank's IFI id")
        .addOption(environmentOption())
        .requiredOption("--level <level>", "such as MINIMAL or KYC_EXPIRED", kycLevel),
    ),
    [
      `limits kyc --ifi 140793 --environment live --level MINIMAL --rules '{"maximumBalance":1000000,"limits":[{"period":"MONTH","direction":"CREDIT","maximumAmount":1000000}]}'`,
    ],
  ).action((options: { ifi: string; environment: Environment; level: string } & Rules) =>
    run(async (context) => {
      const rules = rulesOf(options);
      const ifiId = parseInput(Bank, options).ifi as IfiId;
      const level = { ifiId, environment: options.environment, kycStatus: options.level };
      if (!rules)
        await context.confirm(
          `This removes all limits of holders at ${options.level}, ${options.environment}, of bank ${ifiId}.`,
        );
      await setKycLimits(context, context.principal, level, rules);
      context.output.result({ ...level, rules }, [
        rules ? "The limits hold from the next transfer on." : "There are no limits of this level any more.",
      ]);
    }),
  );

  examples(
    limits
      .command("list")
      .description("the limits of a bank's KYC levels")
      .requiredOption("--ifi <number>", "the bank's IFI id")
      .addOption(environmentOption()),
    ["limits list --ifi 140793 --environment live --json"],
  ).action((options: { ifi: string; environment: Environment }) =>
    run(async (context) => {
      const ifiId = parseInput(Bank, options).ifi as IfiId;
      const levels = await listKycLimits(context, { ifiId, environment: options.environment });
      context.output.result(
        levels,
        levels.length === 0
          ? ["No KYC level has limits there."]
          : levels.map(({ kycStatus, rules }) => `${kycStatus}  ${JSON.stringify(rules)}`),
      );
    }),
  );
};

interface Rules {
  readonly rules?: string;
  readonly none?: true;
}

function withRules(command: Command): Command {
  return asking(command)
    .option(
      "--rules <json>",
      "the limits as JSON, or @file to read them from one (this or --none is required)",
    )
    .option("--none", "remove them")
    .addHelpText("after", form);
}

function rulesOf({ rules, none }: Rules): ReturnType<typeof parseLimits> | null {
  if ((rules === undefined) === (none === undefined))
    throw new InvalidInput("Give either --rules or --none.");
  if (rules === undefined) return null;
  return parseLimits(rules.startsWith("@") ? readRules(rules.slice(1)) : rules);
}

function readRules(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new InvalidInput(`The file ${file} cannot be read.`);
  }
}
