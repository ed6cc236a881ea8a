import { isIP } from "node:net";
import { WebhookUrlRefused } from "./errors.ts";
import { isGlobalAddress, isLoopbackAddress } from "./global-address.ts";

/** Which addresses may be delivered to. */
export interface AddressPolicy {
  /** In development: allows http and https to this machine, too. */
  readonly allowLoopback: boolean;
}

const urlMaxCharacters = 500;

/** Whether a connection may be made to this address. */
export function mayConnect(address: string, { allowLoopback }: AddressPolicy): boolean {
  return isGlobalAddress(address) || (allowLoopback && isLoopbackAddress(address));
}

/**
 * Reads the address of an endpoint; throws {@link WebhookUrlRefused}. It is judged as the URL parser understands it, which writes every
 * decimal, octal or hexadecimal form of an IPv4 address as four numbers. The addresses behind a name are checked at each delivery.
 */
export function readEndpointUrl(text: string, policy: AddressPolicy): URL {
  if (!URL.canParse(text)) throw new WebhookUrlRefused("This is not a complete address.");
  const url = new URL(text);
  const host = hostOf(url);
  const loopback = policy.allowLoopback && (host === "localhost" || isLoopbackAddress(host));
  if (url.protocol !== "https:" && !(loopback && url.protocol === "http:"))
    throw new WebhookUrlRefused("The address must start with https://.");
  if (url.username !== "" || url.password !== "")
    throw new WebhookUrlRefused(
      "The address must not carry a user or password; verify the signature instead.",
    );
  if (url.hash !== "") throw new WebhookUrlRefused("The address must not have a #fragment.");
  // Ports below 1024 belong to other protocols, which a request could be meant to confuse.
  if (portOf(url) !== 443 && portOf(url) < 1024)
    throw new WebhookUrlRefused("The port must be 443, or 1024 and above.");
  // The length as stored: characters outside ASCII are encoded, with up to nine characters for one.
  if (url.href.length > urlMaxCharacters)
    throw new WebhookUrlRefused(`The address is longer than ${urlMaxCharacters} characters.`);
  if (loopback) return url;
  if (isIP(host) ? !isGlobalAddress(host) : isLocalName(host))
    throw new WebhookUrlRefused("The address must be reachable from the public internet.");
  return url;
}

/** The host without the brackets that a URL puts around an IPv6 address. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

function portOf({ port, protocol }: URL): number {
  if (port !== "") return Number(port);
  return protocol === "https:" ? 443 : 80;
}

/** Names that have a meaning only on a local network; the resolver's search list would complete one without a dot. */
function isLocalName(host: string): boolean {
  const labels = host.replace(/\.$/, "").split(".");
  return (
    labels.length < 2 ||
    ["localhost", "local", "internal", "intranet", "lan", "home", "corp", "arpa", "onion"].includes(
      labels.at(-1) ?? "",
    )
  );
}
