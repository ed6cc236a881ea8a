import {
  CodeSent,
  CurrentSession,
  ForgotPassword,
  type ForgotStart,
  LoginNext,
} from "@fusion/contract/login.ts";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { post } from "../../lib/api.ts";
import { beginSession } from "../../lib/session.ts";

export function useStartLogin() {
  return useMutation({ mutationFn: (identifier: string) => post("/login/start", { identifier }, CodeSent) });
}

export function useResendCode() {
  return useMutation({ mutationFn: () => post("/login/resend", {}, CodeSent) });
}

/** `forgot`: the second code, which allows a new password. */
export function useVerifyCode(purpose: "login" | "forgot") {
  const path = purpose === "login" ? "/login/code" : "/login/forgot/code";
  return useMutation({ mutationFn: (code: string) => post(path, { code }, LoginNext) });
}

export function useForgotPassword() {
  return useMutation({ mutationFn: (asked: ForgotStart) => post("/login/forgot", asked, ForgotPassword) });
}

/** The last step of a login, either with the password or with a new one. */
export function useFinishLogin(step: "password" | "new_password") {
  const queryClient = useQueryClient();
  const path = step === "password" ? "/login/password" : "/login/new-password";
  return useMutation({
    mutationFn: (password: string) => post(path, { password }, CurrentSession),
    onSuccess: (session) => beginSession(queryClient, session),
  });
}
