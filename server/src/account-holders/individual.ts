import type { VectorType } from "./identity.ts";

/** A person, a company (whose name is the first name), or nobody in particular. */
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

/** An application and its outcome. Plain JSON, because it is kept sealed, as the answer to a repeat and in its current state. */
export interface HolderApplication {
  readonly applicationNumber: string;
  /** For a new holder, or for another KYC level of an existing one. */
  readonly kind: "NEW_ACCOUNT_HOLDER" | "KYC_UPGRADE";
  /** The caller's key when that is not the formID. */
  readonly requestId: string | undefined;
  readonly status: ApplicationStatus;
  /** The bank's reason for rejecting it. Null where the identity was taken, which has words of its own. */
  readonly reason: string | null;
  readonly individual: Individual;
  /** Null until there is a holder. */
  readonly accountHolderId: string | null;
  /** Empty, like the tags, where the identity was taken. */
  readonly vectors: readonly Vector[];
  readonly tags: readonly { readonly id: string; readonly type: string; readonly value: string }[];
  /** Free-form sections by name, for the bank to read. Absent in applications from before sections existed. */
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
