import { createLink } from "@tanstack/react-router";
import type { AnchorHTMLAttributes, ReactNode, Ref } from "react";
import classes from "./tab-links.module.css";

/** The tabs between pages about one thing, each with its own address. */
export function TabLinks({ label, children }: { label: string; children: ReactNode }) {
  return (
    <nav className={classes.tabs} aria-label={label}>
      {children}
    </nav>
  );
}

function Tab({ ref, ...props }: AnchorHTMLAttributes<HTMLAnchorElement> & { ref?: Ref<HTMLAnchorElement> }) {
  // The router marks the link to the page that is open with aria-current.
  return <a ref={ref} {...props} className={classes.tab} />;
}

const RouterTab = createLink(Tab);

/** Takes `to` and `params` like any `Link`. */
export const TabLink: typeof RouterTab = (props) => (
  <RouterTab activeOptions={{ exact: true, includeSearch: false }} {...props} />
);
