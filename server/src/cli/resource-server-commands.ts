import type { Environment } from "@fusion/contract/primitives.ts";
import {
  createResourceServer,
  endResourceServer,
  listResourceServers,
  type ResourceServerCredentials,
  rotateResourceServer,
} from "../oauth/manage-resource-servers.ts";
import type { ResourceServer, ResourceServerId } from "../oauth/resource-server.ts";
import {
  type AddCommands,
  asking,
  environmentOption,
  examples,
  formed,
  wholeNumber,
} from "./command-context.ts";
import { facts, table } from "./output.ts";

const resourceServerId = formed(/^rsv_[0-9A-Za-z]{1,40}$/, "A resource server's id looks like rsv_4fTz….");

/** Services of the platform that may ask what a token is, and their credentials. */
export const addResourceServerCommands: AddCommands = (program, run) => {
  const group = program
    .command("resource-server")
    .description("Services of the platform that may ask about tokens (introspection)");
  examples(
    group
      .command("create")
      .description("let a service ask about the tokens of a bank's environment; its secret is shown once")
      .requiredOption("--name <name>", "what people call it")
      .requiredOption("--ifi <number>", "the bank's IFI id")
      .addOption(environmentOption())
      .option("--fintech <id>", "about the tokens of this fintech alone: its id or its client id"),
    [
      'resource-server create --name "Statements" --ifi 140793 --environment sandbox',
      'resource-server create --name "Ledger export" --ifi 140793 --environment live --fintech acme-pay --json',
    ],
  ).action((options: { name: string; ifi: string; environment: Environment; fintech?: string }) =>
    run(async ({ output, principal, ...deps }) => {
      const { name, ifi: ifiId, environment, fintech } = options;
      const made = await createResourceServer(deps, principal, { name, ifiId, environment, fintech });
      output.result(credentialFacts(made), [`Registered ${name}.`, ...credentialLines(made)]);
    }),
  );
  examples(group.command("list").description("list resource servers, those that have ended included"), [
    "resource-server list",
    "resource-server list --json",
  ]).action(() =>
    run(async ({ output, principal, db }) => {
      const resourceServers = await listResourceServers({ db }, principal);
      output.result(
        { resourceServers },
        resourceServers.length === 0
          ? ["There are no resource servers."]
          : table(
              ["RESOURCE SERVER", "NAME", "IFI", "ENVIRONMENT", "FINTECH", "STATUS"],
              resourceServers.map((server) => [
                server.resourceServerId,
                server.name,
                server.ifiId,
                server.environment,
                server.fintechId ?? "all",
                server.endedAt ? `ended ${server.endedAt.toISOString()}` : "at work",
              ]),
            ),
      );
    }),
  );
  examples(
    group
      .command("rotate")
      .description("give a resource server another secret, shown once")
      .argument("<id>", "the resource server", resourceServerId)
      .option(
        "--overlap-hours <number>",
        "how long the secret so far goes on counting; 0 when somebody else knows it (default: 24)",
        wholeNumber,
      ),
    ["resource-server rotate rsv_4fTz…", "resource-server rotate rsv_4fTz… --overlap-hours 0"],
  ).action((id: string, { overlapHours = 24 }: { overlapHours?: number }) =>
    run(async ({ output, principal, ...deps }) => {
      const rotated = await rotateResourceServer(deps, principal, {
        resourceServerId: id as ResourceServerId,
        overlapHours,
      });
      output.result(credentialFacts(rotated), [
        `${rotated.server.name} has another secret. The one so far ${overlapHours === 0 ? "counts no more" : `counts for ${overlapHours} more hours`}.`,
        ...credentialLines(rotated),
      ]);
    }),
  );
  examples(
    asking(group.command("end"))
      .description("refuse a resource server's questions from now on, for good")
      .argument("<id>", "the resource server", resourceServerId),
    ["resource-server end rsv_4fTz…"],
  ).action((id: string) =>
    run(async ({ output, principal, confirm, ...deps }) => {
      const all = await listResourceServers(deps, principal);
      const server = all.find((each) => each.resourceServerId === id && !each.endedAt);
      if (server)
        await confirm(`This ends ${server.name} (${id}): its questions are refused from now on, for good.`);
      const ended = await endResourceServer(deps, principal, { resourceServerId: id as ResourceServerId });
      output.result(ended, [`${ended.name} may ask nothing any more.`]);
    }),
  );
};

function credentialFacts({
  server,
  secret,
}: ResourceServerCredentials): ResourceServer & { readonly clientSecret: string } {
  return { ...server, clientSecret: secret };
}

function credentialLines({ server, secret }: ResourceServerCredentials): string[] {
  return [
    ...facts([
      ["client id", server.resourceServerId],
      ["client secret", secret],
    ]),
    "The secret is shown only now.",
  ];
}
