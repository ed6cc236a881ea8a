import type { ReactElement } from "react";
import { ActivitySection } from "../features/activity/activity-section.tsx";
import { ApplicationFrame } from "../features/applications/application-frame.tsx";
import { paths } from "../lib/paths.ts";

/** What an application called, below its name. Features do not import each other; they meet here. */
export function ApplicationWithActivity(): ReactElement {
  return (
    <ApplicationFrame path={paths.activity}>
      {(application) => <ActivitySection application={application} />}
    </ApplicationFrame>
  );
}
