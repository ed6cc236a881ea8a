import type { VectorType } from "./identity.ts";

/** A person, a company (its name is the first name), or nobody in particular. */
export type HolderType = "REAL" | "LEGAL" | "HEADLESS";

/** What a fintech says about a holder, parsed; absent texts are empty. */
export interface Individual {
  readonly type: HolderType;
  readonly formId: string | undefined;
  readonly spoolId: string | undefined;
  readonly salutation: string;
  readonly firstName: string;
  readonly middleName: string;
  readonly lastName: string;
  readonly profilePicUrl: string;
  readonly dateOfBirth: { readonly year: number; readonly month: number; readonly day: number } | undefined;
  readonly gender: string;
  readonly mothersMaidenName: string;
  readonly kyc: {
    readonly status: string;
    readonly statusPostExpiry: string;
    readonly authType: string;
    /** As sent: key and value. */
    readonly authData: Readonly<Record<string, string>>;
    readonly attributes: Readonly<Record<string, unknown>>;
    readonly updatedAt: string | undefined;
    readonly expiresAt: string | undefined;
  };
  readonly contacts: readonly {
    readonly type: "p" | "e";
    readonly value: string;
    readonly isVerified: boolean;
  }[];
  readonly pops: readonly Readonly<Record<string, unknown>>[];
  readonly tags: readonly { readonly type: string; readonly value: string }[];
  readonly customFields: Readonly<Record<string, unknown>>;
}

export interface Vector {
  readonly id: string;
  readonly type: VectorType;
  readonly value: string;
}

export type ApplicationStatus = "PROCESSING" | "APPROVED" | "REJECTED";

/** An application and what became of it. Plain JSON: it is kept sealed, as the answer to a repeat and as it stands now. */
export interface HolderApplication {
  readonly applicationNumber: string;
  /** A new holder, or more knowledge about one that there is. */
  readonly kind: "NEW_ACCOUNT_HOLDER" | "KYC_UPGRADE";
  /** The caller's key where that is not the formID. */
  readonly requestId: string | undefined;
  readonly status: ApplicationStatus;
  /** Why it was rejected, in the bank's words; null where the identity was taken, which has words of its own. */
  readonly reason: string | null;
  readonly individual: Individual;
  /** Null while there is no holder. */
  readonly accountHolderId: string | null;
  /** Empty where the identity was taken, like the tags. */
  readonly vectors: readonly Vector[];
  readonly tags: readonly { readonly id: string; readonly type: string; readonly value: string }[];
  /** Free-form, by name; the bank reads them. Absent in applications from before there were any. */
  readonly sections?: Readonly<Record<string, unknown>>;
  readonly kycUpdatedAt: string;
  readonly kycExpiresAt: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** Whether the text has the form of an application's number: only then can the database be asked for it. */
export function isApplicationNumber(text: string): boolean {
  return /^\d{1,18}$/.test(text);
}
