import {
  type CSSVariablesResolver,
  createTheme,
  defaultVariantColorsResolver,
  type MantineColorsTuple,
} from "@mantine/core";

// The look, in one place: ink on paper, one accent, hairlines. Everything else refers to these by `var(--name)`. Text colours have a
// contrast of at least 4.5 on paper, raised, sunk and their own wash; `rule` and the marks at least 3.

interface Palette {
  /** The page. */
  paper: string;
  /** What floats above the page, and fields. */
  raised: string;
  /** A row under the pointer, a box of code. */
  sunk: string;
  ink: string;
  "ink-soft": string;
  /** Lines that only divide. */
  hairline: string;
  /** Lines that outline a control. */
  rule: string;
  accent: string;
  "accent-hover": string;
  "accent-wash": string;
  /** Text on the accent. */
  "on-accent": string;
  good: string;
  "good-wash": string;
  soon: string;
  "soon-wash": string;
  urgent: string;
  "urgent-hover": string;
  "urgent-wash": string;
  "on-urgent": string;
  ended: string;
  "ended-wash": string;
  live: string;
  "on-live": string;
  /** The two greys of the sandbox's hatching. */
  "hatch-a": string;
  "hatch-b": string;
  "floating-shadow": string;
}

const light: Palette = {
  paper: "#faf8f3",
  raised: "#ffffff",
  sunk: "#f3f0e8",
  ink: "#191d24",
  "ink-soft": "#555b66",
  hairline: "#e2ded3",
  rule: "#8a857a",
  accent: "#3a35c0",
  "accent-hover": "#2b279c",
  "accent-wash": "#ecebfb",
  "on-accent": "#ffffff",
  good: "#17694a",
  "good-wash": "#e4f1e9",
  soon: "#865000",
  "soon-wash": "#f9eed8",
  urgent: "#b01e2b",
  "urgent-hover": "#8c1420",
  "urgent-wash": "#fbe8e5",
  "on-urgent": "#ffffff",
  ended: "#5a5f69",
  "ended-wash": "#ebe8e0",
  live: "#9a1b5b",
  "on-live": "#ffffff",
  "hatch-a": "#eae6dc",
  "hatch-b": "#d8d3c7",
  "floating-shadow": "0 1px 2px rgb(25 29 36 / 8%), 0 12px 32px rgb(25 29 36 / 14%)",
};

const dark: Palette = {
  paper: "#11161d",
  raised: "#1a212b",
  sunk: "#171d26",
  ink: "#e9eaec",
  "ink-soft": "#a5adba",
  hairline: "#2a333f",
  rule: "#717d8d",
  accent: "#a9a7ff",
  "accent-hover": "#c3c1ff",
  "accent-wash": "#23254c",
  "on-accent": "#141238",
  good: "#72cda2",
  "good-wash": "#15302a",
  soon: "#e9b65f",
  "soon-wash": "#352a17",
  urgent: "#ff938b",
  "urgent-hover": "#ffb1ab",
  "urgent-wash": "#3b2025",
  "on-urgent": "#3a0a0d",
  ended: "#a5adba",
  "ended-wash": "#252d38",
  live: "#f283b7",
  "on-live": "#35081f",
  "hatch-a": "#2a333f",
  "hatch-b": "#394452",
  "floating-shadow": "0 1px 2px rgb(0 0 0 / 50%), 0 16px 40px rgb(0 0 0 / 55%)",
};

/** Text families; the mono has distinct `0 O 1 l I` and is for ids, hints, addresses and amounts. */
const grotesk = '"Hanken Grotesk Variable", system-ui, sans-serif';
const mono = '"JetBrains Mono Variable", ui-monospace, monospace';

/** The five sizes, in rem: note, table, text, heading, title. */
const sizes = { xs: "0.75rem", sm: "0.875rem", md: "1rem", lg: "1.25rem", xl: "1.875rem" };

// Mantine wants ten shades of each colour. Only its less used parts need them; what we draw uses the palette.
const shadesOf = (from: string): MantineColorsTuple =>
  [from, from, from, from, from, from, from, from, from, from] as const satisfies MantineColorsTuple;

export const theme = createTheme({
  fontFamily: grotesk,
  fontFamilyMonospace: mono,
  fontSizes: sizes,
  lineHeights: { xs: "1.35", sm: "1.45", md: "1.5", lg: "1.35", xl: "1.15" },
  spacing: { xs: "0.5rem", sm: "0.75rem", md: "1rem", lg: "1.5rem", xl: "2.5rem" },
  radius: { xs: "3px", sm: "6px", md: "8px", lg: "12px", xl: "999px" },
  defaultRadius: "sm",
  headings: { fontFamily: grotesk, fontWeight: "650" },
  colors: {
    accent: shadesOf(light.accent),
    urgent: shadesOf(light.urgent),
    // Mantine draws its dark theme with these, from text to the deepest ground.
    dark: [
      dark.ink,
      dark.ink,
      dark["ink-soft"],
      dark["ink-soft"],
      dark.hairline,
      dark["hatch-b"],
      dark.raised,
      dark.paper,
      dark.paper,
      dark.paper,
    ],
  },
  primaryColor: "accent",
  focusRing: "auto",
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: "sm" } },
    TextInput: { defaultProps: { size: "md" } },
    PasswordInput: { defaultProps: { size: "md" } },
    Select: { defaultProps: { size: "md" } },
    Tooltip: { defaultProps: { openDelay: 200, events: { hover: true, focus: true, touch: true } } },
    Modal: { defaultProps: { centered: true, radius: "md" } },
    // A header element of its own would count as a second banner of the page.
    ModalHeader: { defaultProps: { role: "presentation" } },
    DrawerHeader: { defaultProps: { role: "presentation" } },
    // Without the placeholder, which is no menu item, the first item takes the focus.
    Menu: { defaultProps: { shadow: "md", radius: "md", withInitialFocusPlaceholder: false } },
  },
  variantColorResolver(input) {
    const urgent = input.color === "urgent" || input.color === "red";
    const tone = urgent ? "urgent" : "accent";
    switch (input.variant) {
      case "filled":
        return {
          background: `var(--${tone})`,
          hover: `var(--${tone}-hover)`,
          color: `var(--on-${tone})`,
          border: "1px solid transparent",
        };
      case "light":
        return {
          background: `var(--${tone}-wash)`,
          hover: `var(--${tone}-wash)`,
          color: `var(--${tone})`,
          border: "1px solid transparent",
        };
      case "outline":
        return {
          background: "transparent",
          hover: `var(--${tone}-wash)`,
          color: `var(--${tone})`,
          border: `1px solid var(--${tone})`,
        };
      case "subtle":
      case "transparent":
        return {
          background: "transparent",
          hover: input.variant === "subtle" ? "var(--sunk)" : "transparent",
          color: urgent ? "var(--urgent)" : input.color ? "var(--accent)" : "var(--ink)",
          border: "1px solid transparent",
        };
      default:
        return defaultVariantColorsResolver(input);
    }
  },
});

/** Writes the palette as CSS variables, and points Mantine's own at it. */
export const cssVariablesResolver: CSSVariablesResolver = () => ({
  variables: {
    "--font-text": grotesk,
    "--font-mono": mono,
    "--size-note": sizes.xs,
    "--size-table": sizes.sm,
    "--size-text": sizes.md,
    "--size-heading": sizes.lg,
    "--size-title": sizes.xl,
    "--content-width": "1200px",
    "--rail-width": "208px",
    "--bar-height": "56px",
  },
  light: variablesOf(light),
  dark: variablesOf(dark),
});

function variablesOf(palette: Palette): Record<string, string> {
  const own = Object.fromEntries(Object.entries(palette).map(([name, value]) => [`--${name}`, value]));
  return {
    ...own,
    "--mantine-color-body": palette.paper,
    "--mantine-color-text": palette.ink,
    "--mantine-color-bright": palette.ink,
    "--mantine-color-dimmed": palette["ink-soft"],
    "--mantine-color-placeholder": palette["ink-soft"],
    "--mantine-color-anchor": palette.accent,
    "--mantine-color-error": palette.urgent,
    "--mantine-color-success": palette.good,
    "--mantine-color-default": palette.raised,
    "--mantine-color-default-hover": palette.sunk,
    "--mantine-color-default-color": palette.ink,
    "--mantine-color-default-border": palette.rule,
    "--mantine-color-disabled": palette["ended-wash"],
    "--mantine-color-disabled-color": palette.ended,
    "--mantine-color-disabled-border": palette.hairline,
    "--mantine-primary-color-filled": palette.accent,
    "--mantine-primary-color-filled-hover": palette["accent-hover"],
    "--mantine-primary-color-light": palette["accent-wash"],
    "--mantine-primary-color-light-hover": palette["accent-wash"],
    "--mantine-primary-color-light-color": palette.accent,
    "--mantine-primary-color-contrast": palette["on-accent"],
    "--mantine-color-accent-filled": palette.accent,
    "--mantine-color-accent-filled-hover": palette["accent-hover"],
    "--mantine-color-accent-light": palette["accent-wash"],
    "--mantine-color-accent-light-color": palette.accent,
    "--mantine-color-accent-outline": palette.accent,
    "--mantine-color-urgent-filled": palette.urgent,
    "--mantine-color-urgent-light-color": palette.urgent,
    "--mantine-shadow-md": palette["floating-shadow"],
    "--mantine-shadow-xl": palette["floating-shadow"],
  };
}
