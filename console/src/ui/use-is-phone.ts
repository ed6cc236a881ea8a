import { useMediaQuery } from "@mantine/hooks";

// The same widths as in the style sheets.

/** Whether the page is as narrow as a phone: dialogs take all of it, and the rail lies below. */
export function useIsPhone(): boolean {
  return useMediaQuery("(max-width: 47.99em)", false, { getInitialValueInEffect: false });
}

/** Whether tables are cards: on a phone, and where the rail beside them leaves too little for their columns. */
export function useIsNarrow(): boolean {
  return useMediaQuery("(max-width: 61.99em)", false, { getInitialValueInEffect: false });
}
