// Plain JavaScript without any import of our own, so that an old runtime reaches the sentence below instead of a syntax error.
const [major, minor] = process.versions.node.split(".").map(Number);
if ((process.env.npm_config_omit ?? "").split(/\s+/).includes("optional"))
  fail("Node 24, PostgreSQL and the build come as optional packages: run `npm ci` without leaving them out.");
if (major < 24)
  fail(
    `Fusion needs Node 24 or newer and this is Node ${major}.${minor}: run \`npm ci\`, which brings it, and start with \`npm start\`.`,
  );

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}
