import { Modal } from "@mantine/core";
import type { ReactElement, ReactNode } from "react";
import { useHoldPage } from "../lib/held-page.ts";
import classes from "./form-dialog.module.css";
import { useIsPhone } from "./use-is-phone.ts";

/** A dialog that covers the page, with a form in it. */
export function FormDialog(props: { title: string; onClose: () => void; children: ReactNode }): ReactElement {
  const phone = useIsPhone();
  useHoldPage();
  return (
    <Modal
      opened
      onClose={props.onClose}
      title={props.title}
      size="38rem"
      fullScreen={phone}
      // A press beside the dialog is a slip, and would throw away what was filled in.
      closeOnClickOutside={false}
      closeButtonProps={{ "aria-label": "Close" }}
      classNames={{ title: classes.title }}
    >
      {props.children}
    </Modal>
  );
}
