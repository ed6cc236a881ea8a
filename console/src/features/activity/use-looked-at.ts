import { type FocusEvent, type PointerEvent, useState } from "react";

/** Handlers for the watched element. */
interface Watch {
  onPointerEnter: (event: PointerEvent) => void;
  onPointerLeave: () => void;
  onFocus: () => void;
  onBlur: (event: FocusEvent) => void;
}

/** Whether the pointer or the focus is in an element. Touch does not count as pointing: a finger that was lifted looks at nothing. */
export function useLookedAt(): [boolean, Watch] {
  const [pointed, setPointed] = useState(false);
  const [focused, setFocused] = useState(false);
  return [
    pointed || focused,
    {
      onPointerEnter: ({ pointerType }) => setPointed(pointerType !== "touch"),
      onPointerLeave: () => setPointed(false),
      onFocus: () => setFocused(true),
      onBlur: ({ currentTarget, relatedTarget }) => setFocused(currentTarget.contains(relatedTarget)),
    },
  ];
}
