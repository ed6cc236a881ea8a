import { createHmac } from "node:crypto";
import { expect, it } from "vitest";
import { systemRandom } from "../platform/random.ts";
import { generateWebhookSecret, signatureHeaders } from "./signature.ts";

it("signs as the specification's own example says", () => {
  // From the reference libraries of Standard Webhooks.
  const headers = signatureHeaders(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], {
    id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    at: new Date(1_614_265_330_999),
    body: '{"test": 2432232314}',
  });
  expect(headers).toMatchObject({
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  });
});

it("X-Zeta-HMAC is the hex HMAC-SHA-256 of the body under the secret as it was shown", () => {
  const secret = generateWebhookSecret(systemRandom);
  const body = '{"name":"TRANSFER_CREATED","remarks":"₹"}';
  const headers = signatureHeaders([secret], { id: "evt_1", at: new Date(), body });
  expect(headers["X-Zeta-HMAC"]).toBe(createHmac("sha256", secret).update(body, "utf8").digest("hex"));
  expect(headers).not.toHaveProperty("X-Zeta-HMAC-Next");
});

it("both secrets of an overlap sign, and X-Zeta-HMAC stays with the older one", () => {
  const [next, now] = [generateWebhookSecret(systemRandom), generateWebhookSecret(systemRandom)];
  const message = { id: "evt_1", at: new Date(), body: "{}" };
  const both = signatureHeaders([next, now], message);
  const [ofNext, ofNow] = [signatureHeaders([next], message), signatureHeaders([now], message)];
  expect(both["webhook-signature"]?.split(" ")).toEqual([
    ofNext["webhook-signature"],
    ofNow["webhook-signature"],
  ]);
  expect(both["X-Zeta-HMAC"]).toBe(ofNow["X-Zeta-HMAC"]);
  expect(both["X-Zeta-HMAC-Next"]).toBe(ofNext["X-Zeta-HMAC"]);
});
