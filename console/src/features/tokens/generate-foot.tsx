import { useElementSize, useMergedRef } from "@mantine/hooks";
import { type ReactElement, type ReactNode, useEffect, useRef, useState } from "react";
import classes from "./tokens.module.css";

/**
 * The foot of the dialog: what is about to happen, and the button that does it. It stays in view over what is scrolled, and marks that more
 * lies below. It tells the form its height, so that no element that takes the focus stops beneath it, and none that has it comes to lie
 * there.
 */
export function GenerateFoot({ children }: { children: ReactNode }): ReactElement {
  const foot = useRef<HTMLDivElement>(null);
  const { ref: measured, height } = useElementSize<HTMLDivElement>();
  const [over, setOver] = useState(false);
  useEffect(() => {
    const form = foot.current?.parentElement;
    form?.style.setProperty("--foot-height", `${height}px`);
    if (form?.contains(document.activeElement)) document.activeElement?.scrollIntoView({ block: "nearest" });
  }, [height]);
  useEffect(() => {
    if (foot.current === null) return;
    // It sticks one pixel below the edge, so it is partly cut off exactly while it sticks.
    const watcher = new IntersectionObserver(
      ([entry]) => setOver(entry !== undefined && entry.intersectionRatio < 1),
      { threshold: 1 },
    );
    watcher.observe(foot.current);
    return () => watcher.disconnect();
  }, []);
  return (
    <div ref={useMergedRef(foot, measured)} className={classes.submit} data-over={over}>
      {children}
    </div>
  );
}
