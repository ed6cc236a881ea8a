import { useRouter } from "@tanstack/react-router";
import { useRef, useState } from "react";

declare module "@tanstack/react-router" {
  interface HistoryState {
    /** The entry before this one is the same page without the dialog. */
    openedOverPage?: true;
  }
}

/** The `state` of a navigation that opens a dialog, or a panel, over the page. */
export const openedOverPage = { openedOverPage: true } as const;

/**
 * Closes a dialog that is open because of the address. If it was opened over its page, this goes back there, so that the next "Back" leaves
 * the page. If the address led straight to it, `takeOut` replaces the address with one without the dialog.
 */
export function useCloseDialog(takeOut: () => void): () => void {
  const { history } = useRouter();
  // Going back takes a moment; a second press meanwhile would go back once more.
  const left = useRef<string>(undefined);
  return () => {
    const { state } = history.location;
    if (state.openedOverPage !== true) return takeOut();
    if (left.current === state.__TSR_key) return;
    left.current = state.__TSR_key;
    history.back();
  };
}

/**
 * Whether a dialog is open that the address asks for. `allowed` decides only whether it opens. Once open it stays while the address asks
 * for it: what it shows may be seen only once, and if what it is for is no longer allowed, the server says so.
 */
export function useDialogOpen(asked: boolean, allowed: boolean): boolean {
  const [held, setHeld] = useState(false);
  const open = asked && (held || allowed);
  if (open !== held) setHeld(open);
  return open;
}
