import { bundleExamples, instrumentExamples, issuingExamples } from "./bundle-examples.ts";
import type { Example } from "./example.ts";
import { applicationExamples, holderExamples, serviceExamples } from "./holder-examples.ts";
import { accountExamples, moneyExamples } from "./money-examples.ts";

/** Every example of the Fusion API, in the order in which a test runs them; earlier ones make what later ones need. */
export const walkthrough: readonly Example[] = [
  ...bundleExamples,
  ...accountExamples,
  ...holderExamples,
  ...issuingExamples,
  ...moneyExamples,
  ...instrumentExamples,
  ...serviceExamples,
  ...applicationExamples,
];
