import { useCallback, useLayoutEffect, useRef } from "react";

/** Whether the component is still shown: asked after a wait, before going on with what the person may have turned away from. */
export function useStillThere(): () => boolean {
  const there = useRef(false);
  useLayoutEffect(() => {
    there.current = true;
    return () => {
      there.current = false;
    };
  }, []);
  return useCallback(() => there.current, []);
}
