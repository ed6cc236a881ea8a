import type { VectorType } from "./identity.ts";

/** What a fintech says about a person, parsed; absent texts are empty. */
export interface Individual {
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

/** What became of a submission. Plain JSON: it is kept, sealed, as the answer to a repeat. */
export interface HolderApplication {
  readonly applicationNumber: string;
  readonly status: "APPROVED" | "REJECTED";
  readonly individual: Individual;
  /** The rest is null or empty for a rejected one. */
  readonly accountHolderId: string | null;
  readonly vectors: readonly Vector[];
  readonly tags: readonly { readonly id: string; readonly type: string; readonly value: string }[];
  readonly kycUpdatedAt: string;
  readonly kycExpiresAt: string;
  readonly createdAt: string;
}
