import { useEffect, useState } from "react";
import { isFocusLost } from "./focus.ts";

/** What opened the first of the dialogs that are open, or that followed one another; null while there is none. */
let firstOpener: Element | null = null;

/**
 * Gives the focus back to what opened the dialog, unless what came in its place has it. The dialog leaves with its place in the address,
 * too suddenly for the modal's own way. A dialog that follows another one was opened from inside it, or just after it was gone, so the
 * focus goes to what opened the first. If nothing of that is left, or an address led straight to the dialog, it goes to the page's heading.
 */
export function useReturnFocus(): void {
  const [openers] = useState(() => {
    const active = document.activeElement === document.body ? null : document.activeElement;
    return active === null || active.closest('[role="dialog"]') ? [active, firstOpener] : [active];
  });
  useEffect(() => {
    if (openers.length === 1) firstOpener = openers[0] ?? null;
    return () => {
      setTimeout(() => {
        const dialogIsOpen = document.querySelector('[role="dialog"]') !== null;
        if (isFocusLost()) {
          const remaining = openers.find((opener) => opener?.isConnected && !opener.matches(":disabled"));
          if (remaining instanceof HTMLElement) remaining.focus();
          else if (!dialogIsOpen) document.querySelector("h1")?.focus({ preventScroll: true });
        }
        if (!dialogIsOpen) firstOpener = null;
      }, 50);
    };
  }, [openers]);
}
