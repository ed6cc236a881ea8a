import { useBlocker } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { useReturnFocus } from "./use-return-focus.ts";

/**
 * Decides when a dialog that ends with a secret may close, and when it asks first: the secret is shown once, and nobody is to lose it by a
 * slip.
 */
export interface SecretGuard {
  /** From now on there is something to lose. Called before the request, since the secret may be made while the person leaves. */
  readonly hold: () => void;
  /** Nothing is lost any more: it was copied or downloaded, or never made. */
  readonly release: () => void;
  /** Closes, or asks first. */
  readonly close: () => void;
  readonly asking: boolean;
  readonly stay: () => void;
  readonly leave: () => void;
}

/**
 * Asks before the dialog is closed, or left by a navigation or a reload, while its secret was not kept. Gives the focus back when the
 * dialog is gone.
 */
export function useSecretGuard(onClose: () => void): SecretGuard {
  const [asking, setAsking] = useState(false);
  // A ref, since the blocker reads it at the moment of a navigation, when the state of the last render may be stale.
  const mayLeave = useRef(true);
  useReturnFocus();
  const blocker = useBlocker({
    shouldBlockFn: () => !mayLeave.current,
    enableBeforeUnload: () => !mayLeave.current,
    withResolver: true,
  });
  // A ref, since the answer may come after somebody tried to leave, in a function of an earlier render.
  const latest = useRef(blocker);
  latest.current = blocker;

  function stay(): void {
    setAsking(false);
    if (latest.current.status === "blocked") latest.current.reset();
  }

  return {
    asking: asking || blocker.status === "blocked",
    hold: () => {
      mayLeave.current = false;
    },
    release: () => {
      mayLeave.current = true;
      stay();
    },
    close: () => {
      if (mayLeave.current) onClose();
      else setAsking(true);
    },
    stay,
    leave: () => {
      mayLeave.current = true;
      if (blocker.status === "blocked") blocker.proceed();
      else onClose();
    },
  };
}
