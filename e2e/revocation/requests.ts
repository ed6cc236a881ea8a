import type { ArrangedToken } from "./arrange.ts";
import type { CallKind, RevokePath } from "./history.ts";
import type { Chance } from "./random.ts";

// The requests of the test's clients, as the bytes they send.

/** The request id by which the ledger knows a transfer; the number is the call's. */
export function requestIdOf(request: number): string {
  return `revocation-${request}`;
}

export function callRequest(kind: CallKind, token: ArrangedToken, chance: Chance, request: number): string {
  const { ifiId, accounts } = token.fintech;
  switch (kind) {
    case "read":
      return get(`/api/v1/ifi/${ifiId}/accounts/${chance.pick(accounts)}/balance`, {
        "x-zeta-authtoken": token.secret,
      });
    case "check":
      return get("/gateway/check", { authorization: `Bearer ${token.secret}` });
    case "transfer": {
      const debit = chance.below(accounts.length);
      const credit = (debit + 1 + chance.below(accounts.length - 1)) % accounts.length;
      return post(
        `/api/v1/ifi/${ifiId}/transfers`,
        { "x-zeta-authtoken": token.secret, "content-type": "application/json" },
        JSON.stringify({
          requestID: requestIdOf(request),
          amount: { currency: "INR", amount: 1 },
          transferCode: "ATLAS_P2M_AUTH",
          debitAccountID: accounts[debit],
          creditAccountID: accounts[credit],
        }),
      );
    }
    default:
      return kind satisfies never;
  }
}

export function revokeRequest(path: RevokePath, token: ArrangedToken): string {
  switch (path) {
    case "console":
      return post(
        `/console/api/tokens/${token.tokenId}/revoke`,
        { cookie: token.fintech.cookie, "content-type": "application/json" },
        JSON.stringify({ reason: "compromised" }),
      );
    case "oauth":
      return post(
        "/oauth2/revoke",
        { "content-type": "application/x-www-form-urlencoded" },
        new URLSearchParams({ token: token.secret, client_id: token.fintech.clientId }).toString(),
      );
    default:
      return path satisfies never;
  }
}

function get(path: string, headers: Record<string, string>): string {
  return `GET ${path} HTTP/1.1\r\n${lines({ host: "127.0.0.1", ...headers })}\r\n`;
}

function post(path: string, headers: Record<string, string>, body: string): string {
  const all = { host: "127.0.0.1", ...headers, "content-length": String(Buffer.byteLength(body)) };
  return `POST ${path} HTTP/1.1\r\n${lines(all)}\r\n${body}`;
}

function lines(headers: Record<string, string>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");
}
