import { ActionIcon, Button, Tooltip, VisuallyHidden } from "@mantine/core";
import { Check, Copy } from "lucide-react";
import { type RefObject, useEffect, useRef, useState } from "react";
import classes from "./mono.module.css";

interface CopyButtonProps {
  readonly value: string;
  /** What is copied, as in "Copy client id"; the accessible name where only the icon shows. */
  readonly label: string;
  /** With words ("Copy") rather than the icon alone. */
  readonly words?: boolean;
  /** The element that shows the value: selected if the clipboard refuses. */
  readonly target?: RefObject<HTMLElement | null>;
  /** Called once the clipboard took it. */
  readonly onCopied?: () => void;
}

/** Says "Copied" only when the clipboard took the value; otherwise selects the text, at every press, and says how to copy it. */
export function CopyButton({ value, label, words = false, target, onCopied }: CopyButtonProps) {
  // A new object for each press, so that a second press with the same outcome still takes effect.
  const [press, setPress] = useState<{ outcome: "none" | "copied" | "refused" }>({ outcome: "none" });
  const { outcome } = press;
  const fallback = useRef<HTMLInputElement>(null);

  useEffect(() => {
    if (press.outcome !== "copied") return;
    const timer = setTimeout(() => setPress({ outcome: "none" }), 2_500);
    return () => clearTimeout(timer);
  }, [press]);

  useEffect(() => {
    if (press.outcome !== "refused") return;
    const shown = target?.current;
    if (shown) getSelection()?.selectAllChildren(shown);
    else fallback.current?.select();
  }, [press, target]);

  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(value);
      setPress({ outcome: "copied" });
      onCopied?.();
    } catch {
      // No permission, or a page that is not a secure context.
      setPress({ outcome: "refused" });
    }
  }

  const icon = outcome === "copied" ? <Check size={16} aria-hidden /> : <Copy size={16} aria-hidden />;
  return (
    <span className={classes.withCopy}>
      {words ? (
        <Button
          onClick={() => void copy()}
          leftSection={icon}
          variant={outcome === "copied" ? "light" : "filled"}
        >
          {outcome === "copied" ? "Copied" : label}
        </Button>
      ) : (
        <Tooltip label={outcome === "copied" ? "Copied" : label}>
          <ActionIcon onClick={() => void copy()} variant="subtle" size="md" aria-label={label}>
            {icon}
          </ActionIcon>
        </Tooltip>
      )}
      {outcome === "refused" && target === undefined && (
        <input ref={fallback} readOnly value={value} aria-label={label} size={Math.min(value.length, 40)} />
      )}
      <span role="status" className={classes.copyNote}>
        {outcome === "refused" && `Selected. Press ${copyKeys()} to copy.`}
        {/* Screen readers do not announce that a button's words have changed, so this says it. */}
        {outcome === "copied" && (words ? <VisuallyHidden>Copied</VisuallyHidden> : "Copied")}
      </span>
    </span>
  );
}

function copyKeys(): string {
  return /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘C" : "Ctrl+C";
}
