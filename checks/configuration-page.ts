// docs/configuration.md is generated from server/src/config-variables.ts. `--write` renews it; without it, this fails if the page is out of
// date.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Variable, variables } from "../server/src/config-variables.ts";

const page = join(import.meta.dirname, "../docs/configuration.md");

function configurationPage(): string {
  const rows = Object.entries(variables as Record<string, Variable>).map(
    ([name, { sentence, standard, secret }]) =>
      `| \`${name}\` | ${sentence}${secret ? " **Secret.**" : ""} | ${standard} |`,
  );
  return `# Configuration

<!-- Made from server/src/config-variables.ts: node checks/configuration-page.ts --write -->

All settings are environment variables. An empty one counts as unset. The program reads them once, at the start, and refuses to start when
any is wrong, naming all of them at once. How it runs in several processes, stops, and shows metrics: [operations](operations.md).

| variable | what it does | unless set |
|---|---|---|
${rows.join("\n")}

\`FUSION_ENV=production\` demands \`PUBLIC_URL\` (https), \`DATABASE_URL\` and \`MIGRATION_DATABASE_URL\` (two roles), \`FUSION_ROOT_KEY\`, \`SMTP_URL\`,
\`MAIL_FROM\`, every \`SMS_…\` setting and \`TRUSTED_PROXIES\`. A database remembers the mode and the root key that it was first used with and refuses others.
`;
}

if (import.meta.main) {
  if (process.argv.includes("--write")) writeFileSync(page, configurationPage());
  else if (readFileSync(page, "utf8") !== configurationPage()) {
    console.error("docs/configuration.md is not current: run node checks/configuration-page.ts --write");
    process.exitCode = 1;
  }
}
