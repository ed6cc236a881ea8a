import type { Environment } from "@fusion/contract/primitives.ts";
import { InvalidArgumentError, Option } from "commander";
import { z } from "zod";
import { recordAudit } from "../audit/record.ts";
import { createBundle } from "../bundles/create-bundle.ts";
import { parseInput, shownText } from "../fintechs/parse-input.ts";
import { openFundingAccount } from "../ledger/open-funding-account.ts";
import { verifyLedger } from "../ledger/verify-ledger.ts";
import { DomainError } from "../platform/errors.ts";
import {
  type AddCommands,
  collect,
  environmentOption,
  examples,
  fintechOption,
  tenantOf,
} from "./command-context.ts";
import { facts } from "./output.ts";

/** The books contradict themselves: the command found it and fails, so that a script notices. */
class LedgerDiffers extends DomainError {
  readonly kind = "conflict";
  readonly code = "ledger_differs";
}

const NewBundle = z.object({
  name: shownText(120).min(1),
  shortCode: shownText(40).min(1).optional(),
  accountProducts: z.array(shownText(120).min(1)).min(1).max(20),
  paymentProducts: z.array(shownText(120).min(1)).max(20),
});
const NewFundingAccount = z.object({
  name: shownText(256).min(1),
  currency: z.string().regex(/^[A-Z]{3}$/, "must be a currency code such as INR"),
});

/** Bundles, funding accounts and the books. */
export const addMoneyCommands: AddCommands = (program, run) => {
  const bundle = program
    .command("bundle")
    .description("Bundles: what is issued to an account holder as a whole");
  examples(
    bundle
      .command("create")
      .description("configure a bundle for a fintech")
      .addOption(fintechOption())
      .addOption(environmentOption())
      .requiredOption("--name <name>", "its name")
      .option("--short-code <code>", "made from the name unless given")
      .addOption(
        new Option(
          "--account-product <name>",
          "an account it opens; repeat for several (default: one)",
        ).argParser(collect),
      )
      .addOption(
        new Option(
          "--payment-product <name>",
          "a payment instrument it makes; repeat for several (default: one)",
        ).argParser(collect),
      ),
    [
      'bundle create --fintech acme-pay --environment sandbox --name "Gold"',
      'bundle create --fintech acme-pay --environment live --name "Gold" --account-product "Gold account" --payment-product "Gold card" --json',
    ],
  ).action(
    (options: {
      fintech: string;
      environment: Environment;
      name: string;
      shortCode?: string;
      accountProduct?: string[];
      paymentProduct?: string[];
    }) =>
      run(async (context) => {
        const input = parseInput(NewBundle, {
          name: options.name,
          shortCode: options.shortCode,
          accountProducts: options.accountProduct ?? [`${options.name} account`],
          paymentProducts: options.paymentProduct ?? [`${options.name} payment`],
        });
        const tenant = await tenantOf(context, options);
        const made = await context.db.transaction({ kind: "tenants", tenants: [tenant] }, (tx) =>
          createBundle(context, tx, context.principal, tenant, {
            name: input.name,
            ...(input.shortCode === undefined ? {} : { shortCode: input.shortCode }),
            accountProducts: input.accountProducts.map((productName) => ({ productName })),
            paymentProducts: input.paymentProducts.map((productName) => ({ productName })),
          }),
        );
        context.output.result({ ...made, ...tenant }, [
          `Configured the ${tenant.environment} bundle ${made.name}.`,
          ...facts([
            ["bundle id", made.bundleId],
            ...made.accountProducts.map(
              (product) =>
                ["account product", `${product.productName} (${product.accountProductId})`] as const,
            ),
            ...made.paymentProducts.map(
              (product) =>
                ["payment product", `${product.productName} (${product.paymentProductId})`] as const,
            ),
          ]),
        ]);
      }),
  );

  const funding = program
    .command("funding-account")
    .description("Funding accounts: the fintech's own, from which its account holders are funded");
  examples(
    funding
      .command("create")
      .description("open a funding account, with the bank's money in it if wished")
      .addOption(fintechOption())
      .addOption(environmentOption())
      .requiredOption("--name <name>", "its name")
      .option("--currency <code>", "its currency", "INR")
      .option(
        "--opening-balance <amount>",
        "in rupees (or the currency's main unit), such as 250000.50",
        amountMinor,
      )
      .option("--another", "also when there is one with this name and currency already"),
    [
      'funding-account create --fintech acme-pay --environment sandbox --name "Payouts" --opening-balance 1000000',
      'funding-account create --fintech acme-pay --environment live --name "Refunds" --json',
    ],
  ).action(
    (options: {
      fintech: string;
      environment: Environment;
      name: string;
      currency: string;
      openingBalance?: bigint;
      another?: boolean;
    }) =>
      run(async (context) => {
        const { db, principal, clock, random, keys } = context;
        const { name, currency } = parseInput(NewFundingAccount, options);
        const tenant = await tenantOf(context, options);
        const opened = await db.transaction({ kind: "tenants", tenants: [tenant] }, async (tx) => {
          const account = await openFundingAccount(tx, { clock, random, keys: keys() }, tenant, {
            name,
            currency,
            openingBalanceMinor: options.openingBalance ?? 0n,
            another: options.another ?? false,
            requestedBy: `cli:${principal.account}`,
          });
          await recordAudit(tx, { random }, principal, {
            action: "funding-account.opened",
            object: { kind: "account", id: account.accountId },
            fintech: tenant,
            details: {
              name,
              currency,
              environment: tenant.environment,
              openingBalanceMinor: account.balanceMinor.toString(),
            },
          });
          return account;
        });
        const { accountId, balanceMinor } = opened;
        context.output.result({ accountId, name, currency, balanceMinor, ...tenant }, [
          `Opened the ${tenant.environment} funding account ${name}.`,
          ...facts([
            ["account id", accountId],
            ["balance", `${currency} ${amountText(balanceMinor)}`],
          ]),
        ]);
      }),
  );

  const ledger = program.command("ledger").description("The books");
  examples(
    ledger
      .command("verify")
      .description("check that all postings, transfers and balances agree; fails when they do not"),
    ["ledger verify"],
  ).action(() =>
    run(async ({ db, keys, output }) => {
      const difference = await verifyLedger({ db, keys: keys() });
      if (difference)
        throw new LedgerDiffers(
          `The ledger does not agree with itself (${difference.rule}): ${difference.description}`,
        );
      output.result({ agrees: true }, ["The ledger agrees with itself: every rule holds for every posting."]);
    }),
  );
};

/** `250000.50` is 25,000,050 minor units. */
function amountMinor(text: string): bigint {
  const match = /^([0-9]{1,15})(?:\.([0-9]{1,2}))?$/.exec(text);
  if (!match)
    throw new InvalidArgumentError(
      "It must be an amount such as 250000.50, not negative, without separators.",
    );
  return BigInt(match[1] ?? 0) * 100n + BigInt((match[2] ?? "").padEnd(2, "0"));
}

function amountText(minor: bigint): string {
  return `${(minor / 100n).toLocaleString("en-IN")}.${(minor % 100n).toString().padStart(2, "0")}`;
}
