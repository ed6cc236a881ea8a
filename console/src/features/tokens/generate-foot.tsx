import { useElementSize, useMergedRef } from "@mantine/hooks";
import { type ReactElement, type ReactNode, useEffect, useRef, useState } from "react";
import classes from "./tokens.module.css";

/**
 * The foot of the dialog, which stays in view over what is scrolled: what is about to happen, and the button that does it. It tells the form
 * how high it is, so that nothing which takes the focus stops beneath it, and shows while more lies below.
 */
export function GenerateFoot({ children }: { children: ReactNode }): ReactElement {
  const foot = useRef<HTMLDivElement>(null);
  const { ref: measured, height } = useElementSize<HTMLDivElement>();
  const [over, setOver] = useState(false);
  useEffect(() => {
    foot.current?.parentElement?.style.setProperty("--foot-height", `${height}px`);
  }, [height]);
  useEffect(() => {
    if (foot.current === null) return;
    // It sticks one pixel below the edge, so a part of it is cut off just while it does.
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
