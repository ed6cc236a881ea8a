import { useMediaQuery } from "@mantine/hooks";

/** Whether the page is as narrow as a phone: tables are cards then. The same width as in the style sheets. */
export function useIsPhone(): boolean {
  return useMediaQuery("(max-width: 47.99em)", false, { getInitialValueInEffect: false });
}
