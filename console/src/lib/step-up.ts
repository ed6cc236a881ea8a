import { CodeSent, StepUpDone } from "@fusion/contract/login.ts";
import { post } from "./api.ts";

/** Sends a code with which the person proves presence. */
export function startStepUp(): Promise<CodeSent> {
  return post("/step-up/start", {}, CodeSent);
}

export function sendStepUpCode(code: string): Promise<StepUpDone> {
  return post("/step-up/code", { code }, StepUpDone);
}
