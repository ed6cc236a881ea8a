import { FusionError } from "@fusion/contract/fusion/common.ts";

// What an operation may answer before its route runs, whatever the route does. The document lists every status that can occur.

const always = {
  408: FusionError.describe("FU4008: the request took too long to arrive."),
  414: FusionError.describe("FU4014: a part of the address is too long."),
  429: FusionError.describe(
    "FU4029: too many requests from your address or with your token; Retry-After says when to go on.",
  ),
  431: FusionError.describe("FU4031: the headers are larger than 16 KiB."),
  500: FusionError.describe(
    "FU5000: a fault of ours. It is not known what was done; repeat with the same request id.",
  ),
};
const withBody = {
  413: FusionError.describe("FU4013: the body is larger than 64 KiB."),
  415: FusionError.describe("FU4015: the body is not application/json."),
};

/** The answers, by status, for an operation of that method. */
export function answersOfEvery(method: string): Readonly<Record<number, typeof FusionError>> {
  return ["POST", "PUT", "PATCH", "DELETE"].includes(method) ? { ...always, ...withBody } : always;
}
