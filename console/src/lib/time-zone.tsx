import { createContext, useContext } from "react";
import { browserTimeZone } from "./time.ts";

/** The zone in which times are shown: the fintech's, or the browser's where there is none. */
export const TimeZoneContext = createContext(browserTimeZone);

export function useTimeZone(): string {
  return useContext(TimeZoneContext);
}
