import { createContext, type ReactNode, useContext, useEffect, useRef } from "react";
import classes from "./page-header.module.css";

/** How many navigations there were, and which of them has already moved the focus. The frame provides it. */
export const NavigationContext = createContext<{ count: number; focused: { current: number } }>({
  count: 0,
  focused: { current: 0 },
});

interface PageHeaderProps {
  readonly title: string;
  /**
   * Tells this page in the browser's tab from others with the same title: "API activity, live". The page itself shows the difference in
   * another way.
   */
  readonly tab?: string | undefined;
  /** A link to the page above, such as "Token Management". */
  readonly above?: ReactNode;
  /** Badges beside the title. */
  readonly badges?: ReactNode;
  readonly lead?: ReactNode;
  readonly actions?: ReactNode;
}

/** The page's one h1. Names the document too, and takes the focus after a navigation, so that a screen reader starts here. */
export function PageHeader({ title, tab, above, badges, lead, actions }: PageHeaderProps) {
  return (
    <header className={classes.header}>
      <div className={classes.words}>
        {above && <div className={classes.above}>{above}</div>}
        <div className={classes.titleRow}>
          <PageTitle title={title} tab={tab} />
          {badges}
        </div>
        {lead && <div className={classes.lead}>{lead}</div>}
      </div>
      {actions && <div className={classes.actions}>{actions}</div>}
    </header>
  );
}

/** The h1 of {@link PageHeader} alone, for pages with another head. */
export function PageTitle({ title, tab }: { title: string; tab?: string | undefined }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const navigation = useContext(NavigationContext);
  useEffect(() => {
    document.title = [title, ...(tab === undefined ? [] : [tab]), "Fusion"].join(" · ");
  }, [title, tab]);
  useEffect(() => {
    if (navigation.focused.current === navigation.count) return;
    navigation.focused.current = navigation.count;
    heading.current?.focus({ preventScroll: true });
  }, [navigation]);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {title}
    </h1>
  );
}
