import { Drawer } from "@mantine/core";
import type { ReactNode } from "react";
import { useIsPhone } from "./use-is-phone.ts";

interface SidePanelProps {
  readonly opened: boolean;
  readonly title: ReactNode;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** Details beside the page, over all of it on a phone. Escape and the button close it. */
export function SidePanel({ opened, title, onClose, children }: SidePanelProps) {
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      title={title}
      position="right"
      size={useIsPhone() ? "100%" : "34rem"}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {children}
    </Drawer>
  );
}
