import type { CodeSent, ForgotPassword, LoginNext } from "@fusion/contract/login.ts";
import { useLocation, useNavigate, useRouter } from "@tanstack/react-router";
import { ApiProblem } from "../../lib/api.ts";
import { paths, safeReturnPath } from "../../lib/paths.ts";

/** Which step of the login is shown. Kept in the browser's history entry, so a reload stays on the step and "back" starts again. */
export type LoginStep =
  | {
      readonly step: "code";
      readonly purpose: "login" | "forgot";
      readonly sent: CodeSent;
      readonly sentAtMs: number;
      /** Whether somebody who cannot read messages at that address may ask for an approval. */
      readonly approvalInstead?: boolean;
    }
  | { readonly step: "password" }
  | { readonly step: "new_password" }
  | { readonly step: "approval" };

declare module "@tanstack/react-router" {
  interface HistoryState {
    loginStep?: LoginStep;
  }
}

export interface LoginWalk {
  readonly current: LoginStep | undefined;
  /** Shows a step. Only the first code gets an entry of its own: no step can be done twice, so "back" leads to the start. */
  go(step: LoginStep): void;
  restart(): void;
  /** Goes to the page that was asked for. */
  finish(): void;
}

export function useLoginWalk(): LoginWalk {
  const router = useRouter();
  const navigate = useNavigate();
  const { search, state } = useLocation();
  const returnPath = typeof search.return === "string" ? search.return : undefined;
  const kept = returnPath === undefined ? {} : { return: returnPath };
  const current = state.loginStep;
  return {
    current,
    go: (step) =>
      void navigate({
        to: paths.login,
        search: kept,
        state: { loginStep: step },
        replace: current !== undefined,
      }),
    restart: () => void navigate({ to: paths.login, search: kept, replace: true }),
    finish: () => router.history.replace(safeReturnPath(returnPath)),
  };
}

export function stepAfterCode(answer: LoginNext): LoginStep {
  if (answer.next === "code")
    return { step: "code", purpose: "forgot", sent: answer.sent, sentAtMs: Date.now() };
  return { step: answer.next === "password" ? "password" : "new_password" };
}

export function stepAfterForgot(answer: ForgotPassword): LoginStep {
  if (answer.next === "approval") return { step: "approval" };
  const { sent, approvalInstead } = answer;
  return { step: "code", purpose: "forgot", sent, sentAtMs: Date.now(), approvalInstead };
}

/** Whether only a new start helps. */
export function needsRestart(error: unknown): boolean {
  if (!(error instanceof ApiProblem)) return false;
  if (error.code === "code_wrong") return error.extensions.triesLeft === 0;
  return ["code_spent", "login_expired", "login_step_wrong", "login_locked", "recovery_required"].includes(
    error.code,
  );
}
