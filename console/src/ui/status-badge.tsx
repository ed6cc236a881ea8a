import type { LucideIcon } from "lucide-react";
import { CircleCheck, CircleSlash, Clock, Hourglass, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import classes from "./badges.module.css";

export type Tone = "good" | "soon" | "urgent" | "ended";

const toneIcons: Record<Tone, LucideIcon> = {
  good: CircleCheck,
  soon: Hourglass,
  urgent: TriangleAlert,
  ended: CircleSlash,
};

/** A state as icon and word, never by colour alone. */
export function StatusBadge({
  tone,
  icon,
  children,
}: {
  tone: Tone;
  icon?: LucideIcon;
  children: ReactNode;
}) {
  const Icon = icon ?? toneIcons[tone];
  return (
    <span className={`${classes.badge} ${classes[tone]}`}>
      <Icon size={14} strokeWidth={2.25} aria-hidden />
      {children}
    </span>
  );
}

/** The icon of something that ended by itself, as opposed to something that was ended. */
export const ExpiredIcon: LucideIcon = Clock;
