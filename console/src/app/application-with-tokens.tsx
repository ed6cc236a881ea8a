import type { ReactElement } from "react";
import { ApplicationPage } from "../features/applications/application-page.tsx";
import { TokenSection } from "../features/tokens/token-section.tsx";
import { WebhookSection } from "../features/webhooks/webhook-section.tsx";

/** An application's page with its tokens and webhooks. Features do not import each other; they meet here. */
export function ApplicationWithTokens(): ReactElement {
  return (
    <ApplicationPage
      tokens={(application) => (
        <>
          <TokenSection application={application} />
          <WebhookSection applicationId={application.applicationId} />
        </>
      )}
    />
  );
}
