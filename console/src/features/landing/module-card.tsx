import { Link } from "@tanstack/react-router";
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import type { paths } from "../../lib/paths.ts";
import classes from "./landing.module.css";

interface ModuleCardProps {
  readonly to: (typeof paths)[
    | "tokenManagement"
    | "fintechs"
    | "processes"
    | "people"
    | "teamActivity"
    | "account"];
  readonly Icon: LucideIcon;
  readonly title: string;
  readonly wide?: boolean;
  readonly children: ReactNode;
}

/** One module: icon, name, its state. The whole card leads there. */
export function ModuleCard({ to, Icon, title, wide = false, children }: ModuleCardProps) {
  return (
    <li className={classes.card} data-wide={wide}>
      <span className={classes.icon} aria-hidden>
        <Icon size={22} strokeWidth={1.75} />
      </span>
      <h2>
        <Link to={to}>{title}</Link>
      </h2>
      <div className={classes.state}>{children}</div>
    </li>
  );
}
