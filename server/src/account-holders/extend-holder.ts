import type { TokenPrincipal } from "../access/principal.ts";
import type { Transaction } from "../platform/database/database.ts";
import { randomUuid } from "../platform/random.ts";
import {
  findAssociation,
  insertVectors,
  listVectors,
  lockAssociation,
  updatePops,
} from "./account-holder-store.ts";
import { answerOnce } from "./answer-once.ts";
import { AccountHolderExists, HolderPartsExceeded } from "./errors.ts";
import { requireAccountHolder } from "./get-account-holder.ts";
import { maskNumber, type VectorType } from "./identity.ts";
import { lockIdentities } from "./identity-store.ts";
import { conflictsWithHolder } from "./kyc-conflict.ts";
import {
  claimIdentities,
  identitiesOf,
  type ProvisionDependencies,
  storedVectors,
} from "./provision-holder.ts";

// Adds addresses and vectors to an account holder after its approval.

type Caller = Pick<TokenPrincipal, "tenant" | "tokenId">;

/** A postal address as kept in the association. */
export interface Pop {
  readonly id: string;
  readonly label: string;
  readonly address: Readonly<Record<string, unknown>>;
  readonly isDefault: boolean;
  /** ISO 8601; absent for the addresses of the application. */
  readonly createdAt?: string | undefined;
}

/** How many addresses and vectors a holder has at most, so that no answer grows without end. */
export const holderPartsMax = 100;

/** Adds an address. A new default address takes that role from the others. Throws `account_holder_not_found`, `REQUEST_MISMATCH`. */
export async function addPop(
  deps: ProvisionDependencies,
  tx: Transaction,
  caller: Caller,
  input: {
    readonly accountHolderId: string;
    readonly requestId: string | undefined;
    readonly pop: Omit<Pop, "id" | "createdAt">;
  },
): Promise<Pop> {
  const { tenant } = caller;
  const accountHolderId = await requireAccountHolder(tx, tenant, input.accountHolderId);
  const content = { accountHolderId, pop: input.pop };
  return answerOnce(deps, tx, caller, { operation: "pop", requestId: input.requestId, content }, async () => {
    await lockAssociation(tx, tenant, accountHolderId);
    const holder = await findAssociation(tx, tenant, accountHolderId);
    const known = holder?.pops ?? [];
    refuseBeyondMax(known.length, "addresses");
    const pop: Pop = {
      id: randomUuid(deps.random),
      ...input.pop,
      createdAt: deps.clock.now().toISOString(),
    };
    const others = pop.isDefault ? known.map(withoutDefault) : known;
    await updatePops(tx, tenant, accountHolderId, [...others, { ...pop }]);
    return pop;
  });
}

/** Removes the default mark, and also the one inside `address`. */
function withoutDefault(pop: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { isDefault: _ofAddress, ...address } = (pop.address ?? {}) as Record<string, unknown>;
  return { ...pop, address, isDefault: false };
}

export interface AddedVector {
  readonly id: string;
  readonly type: VectorType;
  /** Masked if it is a number. */
  readonly value: string;
  /** ISO 8601. */
  readonly createdAt: string;
}

/**
 * Adds a phone, email or identity number under the identity rules of an application. Throws {@link AccountHolderExists} (AR400003) when
 * another holder has it (emails are shared), or this one already; `HolderApplicationInvalid` for a second number of a kind;
 * `account_holder_not_found` and `REQUEST_MISMATCH`.
 */
export async function addVector(
  deps: ProvisionDependencies,
  tx: Transaction,
  caller: Caller,
  input: {
    readonly accountHolderId: string;
    readonly requestId: string | undefined;
    readonly vector: { readonly type: VectorType; readonly value: string };
  },
): Promise<AddedVector> {
  const { tenant } = caller;
  const { keys, clock, random } = deps;
  const accountHolderId = await requireAccountHolder(tx, tenant, input.accountHolderId);
  const content = { accountHolderId, vector: input.vector };
  return answerOnce(
    deps,
    tx,
    caller,
    { operation: "vector", requestId: input.requestId, content },
    async () => {
      const vector = { id: randomUuid(random), ...input.vector };
      const identities = identitiesOf([vector], keys);
      await lockIdentities(tx, tenant, identities, { holders: [accountHolderId] });
      const conflict = await conflictsWithHolder(tx, tenant, accountHolderId, identities, "/value");
      if (conflict) throw conflict;
      await lockAssociation(tx, tenant, accountHolderId);
      const now = clock.now();
      const [stored] = storedVectors(keys, [vector], now);
      const known = await listVectors(tx, tenant, accountHolderId);
      if (!stored || known.some((one) => one.type === stored.type && one.lookup.equals(stored.lookup)))
        throw new AccountHolderExists(
          "This account holder has this phone number, email address or identity number already.",
        );
      refuseBeyondMax(known.length, "vectors");
      await claimIdentities(tx, tenant, accountHolderId, identities, now);
      await insertVectors(tx, tenant, accountHolderId, [stored]);
      const { id, type, value } = vector;
      return {
        id,
        type,
        value: stored.sealed ? maskNumber(value) : value,
        createdAt: now.toISOString(),
      };
    },
  );
}

function refuseBeyondMax(count: number, what: string): void {
  if (count >= holderPartsMax) throw new HolderPartsExceeded(what);
}
