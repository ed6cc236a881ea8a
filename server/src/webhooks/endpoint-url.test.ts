import { describe, expect, it } from "vitest";
import { readEndpointUrl } from "./endpoint-url.ts";
import { WebhookUrlRefused } from "./errors.ts";

const strict = { allowLoopback: false };
const development = { allowLoopback: true };

describe("an endpoint's address", () => {
  it.each([
    "https://hooks.example.com/fusion",
    "https://hooks.example.com:8443/fusion?shop=1",
    "https://93.184.216.34/",
    "https://[2606:4700:4700::1111]/hook",
    "https://xn--bcher-kva.example/",
  ])("may be %s", (text) => {
    expect(readEndpointUrl(text, strict).href).toBe(text);
  });

  it.each([
    "",
    "hooks.example.com",
    "http://hooks.example.com/",
    "ftp://hooks.example.com/",
    "file:///etc/passwd",
    "https://user:secret@hooks.example.com/",
    "https://user@hooks.example.com/",
    "https://hooks.example.com/#part",
    "https://hooks.example.com:22/",
    "https://hooks.example.com:25/",
    "https://localhost/",
    "https://LOCALHOST:8443/",
    "https://localhost./",
    "https://api.localhost/",
    "https://printer.local/",
    "https://metadata.google.internal/",
    "https://intranet/",
    // This machine, in every notation.
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.0.0.1./",
    "https://①②⑦.0.0.1/",
    "https://0/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[64:ff9b::7f00:1]/",
    // Other addresses of private networks.
    "https://10.0.0.1/",
    "https://167772161/",
    "https://0xa9fea9fe/latest/meta-data",
    "https://0251.0376.0251.0376/",
    "https://169.254.169.254/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
  ])("may not be %s", (text) => {
    expect(() => readEndpointUrl(text, strict)).toThrow(WebhookUrlRefused);
  });

  it("may be this machine where development says so, and nothing else that is not public", () => {
    for (const text of ["http://localhost:9000/hook", "http://127.0.0.1:9000/", "https://[::1]:9443/"])
      expect(readEndpointUrl(text, development).href).toBe(text);
    for (const text of [
      "http://hooks.example.com/",
      "http://10.0.0.1:9000/",
      "http://0.0.0.0:9000/",
      "http://localhost:25/",
      "http://localhost/hook",
      "http://[::ffff:127.0.0.1]:9000/",
    ])
      expect(() => readEndpointUrl(text, development), text).toThrow(WebhookUrlRefused);
  });
});
