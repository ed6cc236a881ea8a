import type { Administrator } from "../access/roles.ts";
import { AccountHolderNotFound } from "../account-holders/errors.ts";
import { type AccountHolderProfile, getAccountHolder } from "../account-holders/get-account-holder.ts";
import { maskContact } from "../account-holders/identity.ts";
import {
  findHolderIdByPhone,
  type HolderPosition,
  listAccountHolders,
  type MaskedHolder,
} from "../account-holders/list-account-holders.ts";
import { AccountNotFound } from "../ledger/errors.ts";
import { getTenantAccount, listTenantAccountsOfHolder } from "../ledger/read-accounts.ts";
import type { Transaction } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import type { Keys } from "../platform/keys.ts";
import { type Look, listOf, lookIntoBooks, type OversightDeps } from "./books.ts";
import { type NamedAccount, nameAccounts } from "./named-accounts.ts";

type HolderDeps = OversightDeps & { readonly keys: Keys };

/** The most accounts of one holder that are shown. */
const accountsMax = 200;

export interface HolderPage {
  readonly holders: readonly MaskedHolder[];
  readonly next: HolderPosition | null;
}

/** A fintech's account holders, newest first, masked. Throws as {@link lookIntoBooks}. */
export async function lookAtHolders(
  deps: HolderDeps,
  actor: Administrator,
  look: Look,
  page: { readonly after: HolderPosition | null; readonly limit: number },
): Promise<HolderPage> {
  return lookIntoBooks(deps, actor, look, async (tx, tenant) => {
    const rows = await listAccountHolders(deps, tx, tenant, { ...page, limit: page.limit + 1 });
    const holders = rows.slice(0, page.limit);
    const last = rows.length > page.limit ? holders.at(-1)?.association : undefined;
    return {
      result: {
        holders,
        next: last ? { createdAt: last.createdAt, accountHolderId: last.accountHolderId } : null,
      },
      lookedAt: listOf("account-holders", tenant),
    };
  });
}

/**
 * The account holder that a text names: by the holder's id, by a full phone number, or by the id of one of the holder's accounts. Returns
 * one at most, and none when the text names nobody of this fintech. Throws as {@link lookIntoBooks}.
 */
export async function searchHolders(
  deps: HolderDeps,
  actor: Administrator,
  look: Look,
  text: string,
): Promise<HolderPage> {
  return lookIntoBooks(deps, actor, look, async (tx, tenant) => {
    const id = await findNamedHolder(deps, tx, tenant, text);
    if (id === undefined) return { result: { holders: [], next: null }, lookedAt: null };
    const holder = maskProfile(await getAccountHolder(deps, tx, tenant, id));
    return {
      result: { holders: [holder], next: null },
      lookedAt: { kind: "account-holder", id },
    };
  });
}

async function findNamedHolder(
  { keys }: HolderDeps,
  tx: Transaction,
  tenant: Tenant,
  text: string,
): Promise<string | undefined> {
  const phone = text.replace(/[\s-]/g, "");
  if (/^\+?\d{6,15}$/.test(phone)) {
    // Ten digits are an Indian number, as at the login; fintechs send both forms.
    const forms = /^\d{10}$/.test(phone) ? [`+91${phone}`, phone] : [phone];
    for (const form of forms) {
      const found = await findHolderIdByPhone({ keys }, tx, tenant, form);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  try {
    return (await getAccountHolder({ keys }, tx, tenant, text)).accountHolderId;
  } catch (error) {
    if (!(error instanceof AccountHolderNotFound)) throw error;
  }
  try {
    return (await getTenantAccount(tx, tenant, text)).accountHolderId ?? undefined;
  } catch (error) {
    if (!(error instanceof AccountNotFound)) throw error;
    return undefined;
  }
}

/**
 * One account holder, masked, with the accounts that this fintech opened. Throws `account_holder_not_found`, and as {@link lookIntoBooks}.
 */
export async function lookAtHolder(
  deps: HolderDeps,
  actor: Administrator,
  look: Look,
  accountHolderId: string,
): Promise<{ readonly holder: MaskedHolder; readonly accounts: readonly NamedAccount[] }> {
  return lookIntoBooks(deps, actor, look, async (tx, tenant) => {
    const profile = await getAccountHolder(deps, tx, tenant, accountHolderId);
    const accounts = await listTenantAccountsOfHolder(tx, tenant, profile.accountHolderId, accountsMax);
    return {
      result: { holder: maskProfile(profile), accounts: await nameAccounts(tx, tenant, accounts) },
      lookedAt: { kind: "account-holder", id: profile.accountHolderId },
    };
  });
}

/** PAN and Aadhaar numbers come masked already; phones and emails do not. */
function maskProfile(profile: AccountHolderProfile): MaskedHolder {
  return {
    association: profile,
    identities: profile.vectors.map(({ type, value }) => ({
      type,
      masked: type === "p" || type === "e" ? maskContact(type, value) : value,
    })),
  };
}
