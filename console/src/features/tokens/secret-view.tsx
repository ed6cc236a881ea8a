import type { GeneratedToken } from "@fusion/contract/tokens.ts";
import { Button } from "@mantine/core";
import { Check, Download } from "lucide-react";
import { type ReactElement, useState } from "react";
import { CopyButton } from "../../ui/copy-button.tsx";
import { SecretBox } from "../../ui/secret-dialog.tsx";
import { curlCommand, envFileName, envFileText } from "./env-file.ts";
import { FirstCall } from "./secret-first-call.tsx";
import classes from "./tokens.module.css";

interface SecretViewProps {
  generated: GeneratedToken;
  /** The person has it: copied, or downloaded. */
  onKept: () => void;
}

/** The only place and moment where a token can be seen. */
export function SecretView({ generated, onKept }: SecretViewProps): ReactElement {
  const { secret, baseUrl, token } = generated;
  const [downloaded, setDownloaded] = useState(false);
  const connection = { baseUrl, environment: token.environment, tokenId: token.tokenId };
  const command = curlCommand(connection, token.scopes);
  return (
    <div className={classes.stack}>
      <SecretBox kind="token" secret={secret} onKept={onKept}>
        <Button
          variant="default"
          leftSection={downloaded ? <Check size={16} aria-hidden /> : <Download size={16} aria-hidden />}
          onClick={() => {
            download(envFileName(connection), envFileText({ ...connection, secret }));
            setDownloaded(true);
            onKept();
          }}
        >
          Download .env
        </Button>
      </SecretBox>
      <div>
        <div className={classes.tryHead}>
          <h3>Try it</h3>
          <CopyButton value={command} label="Copy the command" />
        </div>
        <pre className={classes.command}>{command}</pre>
        <p className={classes.soft}>
          Reads the token from the downloaded file, so it stays out of your shell history.
        </p>
      </div>
      <FirstCall token={token} />
    </div>
  );
}

function download(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // A browser that asks where to save may take it only when that is answered; an address kept for ever would keep the secret.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
