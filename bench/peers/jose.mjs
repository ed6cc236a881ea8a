// jose: RS256 tokens (2,048 bits) verified behind node:http, with issuer, audience and expiry checked.
import { createServer } from "node:http";
import { generateKeyPair, jwtVerify, SignJWT } from "jose";
import { announce } from "./keys.mjs";

const { publicKey, privateKey } = await generateKeyPair("RS256");
const [issuer, audience] = ["https://issuer.example", "https://api.example"];
const secrets = [];
for (let at = 0; at < Number(process.env.KEYS); at += 1)
  secrets.push(
    await new SignJWT({ scope: "accounts:read" })
      .setProtectedHeader({ alg: "RS256" })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(`client-${at}`)
      .setExpirationTime("1h")
      .sign(privateKey),
  );
const server = createServer(async (request, response) => {
  try {
    const { payload } = await jwtVerify(
      request.headers.authorization?.slice("Bearer ".length) ?? "",
      publicKey,
      {
        issuer,
        audience,
        algorithms: ["RS256"],
      },
    );
    response.writeHead(200, { "content-length": 0, "x-subject": payload.sub }).end();
  } catch {
    response.writeHead(401, { "content-length": 0 }).end();
  }
});
await announce(server, secrets);
