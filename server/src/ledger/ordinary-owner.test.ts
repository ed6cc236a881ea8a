import { randomBytes } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { systemClock } from "../platform/clock.ts";
import { type Database, openDatabase } from "../platform/database/database.ts";
import { migrate } from "../platform/database/migrate.ts";
import { silentLog } from "../platform/log.ts";
import { systemRandom } from "../platform/random.ts";
import { arrangeBook, transferOf } from "../testing/ledger-fixture.ts";
import { testKeys } from "../testing/test-keys.ts";
import { createTransferBatcher } from "../transfers/batcher.ts";
import { createTransfer } from "../transfers/create-transfer.ts";
import { verifyLedger } from "./verify-ledger.ts";

// An external PostgreSQL whose owner role is no superuser. Forced row-level security then binds the owner as well, with whose rights the
// database posts transfers.

const name = `owner_${randomBytes(6).toString("hex")}`;
let admin: pg.Pool;
let arranging: pg.Pool;
let db: Database;

beforeAll(async () => {
  const url = inject("postgresUrl");
  admin = new pg.Pool({ connectionString: url.replace("DATABASE", "postgres"), max: 1 });
  await admin.query(`CREATE ROLE ${name} LOGIN NOSUPERUSER NOBYPASSRLS CREATEROLE`);
  await admin.query(`GRANT fusion_runtime TO ${name}`);
  await admin.query(`CREATE DATABASE ${name} OWNER ${name}`);
  const ownerUrl = url.replace("DATABASE", name).replace("//fusion@", `//${name}@`);
  arranging = new pg.Pool({ connectionString: url.replace("DATABASE", name), max: 1 });
  // Dropping the database ends a connection that is just about to close.
  arranging.on("error", () => undefined);
  await arranging.query(`ALTER SCHEMA public OWNER TO ${name}`);
  await migrate(ownerUrl);
  db = openDatabase({
    connectionString: ownerUrl,
    role: "fusion_runtime",
    connectionsMax: 2,
    log: silentLog(),
  });
});
afterAll(async () => {
  await db?.close();
  await arranging.end();
  await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  await admin.query(`DROP ROLE ${name}`);
  await admin.end();
});

it("money moves where the owner is an ordinary role", async () => {
  const { rows } = await arranging.query(
    "SELECT rolsuper FROM pg_class JOIN pg_roles ON pg_roles.oid = relowner WHERE relname = 'posting'",
  );
  expect(rows).toEqual([{ rolsuper: false }]);
  const book = await arrangeBook({ db, owner: arranging });
  const [from, to] = [await book.fund(500n), (await book.open()).accountId];
  await createTransfer(
    { batcher: createTransferBatcher({ db, clock: systemClock, keys: testKeys }), random: systemRandom },
    book.token.principal,
    transferOf({ debitAccountId: from, creditAccountId: to, amountMinor: 200n }),
  );
  expect([await book.balanceOf(from), await book.balanceOf(to)]).toEqual([300n, 200n]);
  expect(await verifyLedger({ db, keys: testKeys })).toBeUndefined();
});
