import type { Scope } from "@fusion/contract/scopes.ts";
import { type Command, Option } from "commander";
import type { z } from "zod";
import type { Application } from "../fintechs/application.ts";
import { type ApplicationPolicy, setApplicationPolicy } from "../fintechs/set-application-policy.ts";
import { InvalidInput } from "../platform/errors.ts";
import type { ApplicationId } from "../platform/ids.ts";
import { applicationId, collect, examples, type Run, wholeNumber } from "./command-context.ts";
import { facts } from "./output.ts";

/** The commands that restrict an application's tokens: where from, what for, how many. A change is in force when the command has ended. */
export function addApplicationPolicyCommands(application: Command, run: Run): void {
  const set = (id: string, policy: z.input<typeof ApplicationPolicy>): Promise<void> =>
    run(async ({ output, principal, ...deps }) => {
      const changed = await setApplicationPolicy(deps, principal, {
        applicationId: id as ApplicationId,
        policy,
      });
      output.result(policyFacts(changed), [
        `The rules of ${changed.name} hold for every call from now on.`,
        ...facts([
          ["allowed from", changed.ipAllowList.join(", ") || "anywhere"],
          ["scopes", changed.scopes.join(", ")],
          ["active tokens", `at most ${changed.tokensMax}`],
        ]),
      ]);
    });

  examples(
    application
      .command("allow-ip")
      .description("set the addresses from which its tokens may be used, in place of those before")
      .argument("<id>", "the application", applicationId)
      .argument("[ranges...]", "addresses and CIDR ranges, IPv4 or IPv6")
      .option("--anywhere", "remove the list"),
    [
      "application allow-ip app_4fTz… 203.0.113.0/24 2001:db8::/32",
      "application allow-ip app_4fTz… --anywhere",
    ],
  ).action(async (id: string, ranges: string[], { anywhere }: { anywhere?: true }) => {
    if ((ranges.length === 0) === (anywhere === undefined))
      return run(async () => {
        throw new InvalidInput("Give either ranges or --anywhere.");
      });
    return set(id, { ipAllowList: ranges });
  });
  examples(
    application
      .command("scopes")
      .description(
        "set the scopes that its tokens may have; of those that they were given, what is outside does not count any more",
      )
      .argument("<id>", "the application", applicationId)
      .addOption(
        new Option("--scope <scope>", "a scope; repeat for several").argParser(collect).makeOptionMandatory(),
      ),
    ["application scopes app_4fTz… --scope accounts:read --scope transfers:write"],
  ).action((id: string, { scope }: { scope: string[] }) => set(id, { scopes: scope as Scope[] }));
  examples(
    application
      .command("token-limit")
      .description("set how many active tokens it may have; those that it has stay")
      .argument("<id>", "the application", applicationId)
      .option("--tokens-max <number>", "so many (this or --of-fintech is required)", wholeNumber)
      .option("--of-fintech", "as many as its fintech prescribes"),
    ["application token-limit app_4fTz… --tokens-max 3", "application token-limit app_4fTz… --of-fintech"],
  ).action(async (id: string, { tokensMax, ofFintech }: { tokensMax?: number; ofFintech?: true }) => {
    if ((tokensMax === undefined) === (ofFintech === undefined))
      return run(async () => {
        throw new InvalidInput("Give either --tokens-max or --of-fintech.");
      });
    return set(id, { tokensMax: tokensMax ?? null });
  });
}

/** The facts for programs. */
export function policyFacts({ applicationId, ipAllowList, scopes, tokensMax }: Application) {
  return { applicationId, ipAllowList, scopes, tokensMax };
}
