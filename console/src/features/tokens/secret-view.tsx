import type { GeneratedToken } from "@fusion/contract/tokens.ts";
import { Button, SegmentedControl } from "@mantine/core";
import { Check, Download } from "lucide-react";
import { type ReactElement, useId, useState } from "react";
import { CopyButton } from "../../ui/copy-button.tsx";
import { Mono } from "../../ui/mono.tsx";
import { SecretBox } from "../../ui/secret-box.tsx";
import { curlCommand, envFileName, envFileText } from "./env-file.ts";
import { commandAskingForToken, type TokenSource } from "./secret-commands.ts";
import { FirstCall } from "./secret-first-call.tsx";
import classes from "./tokens.module.css";

interface SecretViewProps {
  generated: GeneratedToken;
  /** Called once the person has kept the secret: copied or downloaded it. */
  onKept: () => void;
}

/** The only place and moment where a token can be seen. */
export function SecretView({ generated, onKept }: SecretViewProps): ReactElement {
  const { secret, baseUrl, token } = generated;
  const [downloaded, setDownloaded] = useState(false);
  const connection = { baseUrl, environment: token.environment, tokenId: token.tokenId };
  const fileName = envFileName(connection);
  const [source, setSource] = useState<TokenSource>("copied");
  const command =
    source === "file"
      ? curlCommand(connection, token.scopes)
      : commandAskingForToken(connection, token.scopes);
  const tryId = useId();
  return (
    <div className={classes.stack}>
      <SecretBox
        kind="token"
        secret={secret}
        onKept={() => {
          setSource("copied");
          onKept();
        }}
      >
        <Button
          variant="default"
          leftSection={downloaded ? <Check size={16} aria-hidden /> : <Download size={16} aria-hidden />}
          onClick={() => {
            download(fileName, envFileText({ ...connection, secret }));
            setDownloaded(true);
            setSource("file");
            onKept();
          }}
        >
          Download .env
        </Button>
      </SecretBox>
      <div>
        <div className={classes.tryHead}>
          <h3 id={tryId}>Try it</h3>
          <CopyButton value={command} label="Copy the command" />
          <SegmentedControl
            aria-labelledby={tryId}
            size="xs"
            className={`${classes.segments} ${classes.trySource}`}
            value={source}
            onChange={(chosen) => setSource(chosen as TokenSource)}
            data={[
              { value: "copied", label: "Paste the token" },
              { value: "file", label: "Read the file" },
            ]}
          />
        </div>
        <pre className={classes.command}>{command}</pre>
        <p className={classes.soft}>
          {source === "file" ? (
            <>
              Run it in the folder where you saved <Mono>{fileName}</Mono>, such as Downloads. It reads the
              token from there, so the token stays out of your shell history.
            </>
          ) : (
            "Run it first: it waits for the token. Then copy that, paste it and press Enter; it is not shown, and stays out of your shell history."
          )}
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
  // A browser that asks where to save may read the URL only after the answer. A URL kept for ever would keep the secret.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
