/** A template that is issued to an account holder as a whole. */
export interface Bundle {
  readonly bundleId: string;
  readonly name: string;
  readonly shortCode: string;
  readonly status: "ACTIVE" | "INACTIVE";
  readonly accountProducts: readonly AccountProduct[];
  readonly paymentProducts: readonly PaymentProduct[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What an account is opened from. */
export interface AccountProduct {
  readonly accountProductId: string;
  readonly productName: string;
  /** 19 digits. */
  readonly productId: string;
  /** Such as INR. */
  readonly currency: string;
}

/** What a payment instrument is made from. */
export interface PaymentProduct {
  readonly paymentProductId: string;
  readonly productName: string;
  readonly description: string;
  /** 8 hex digits. */
  readonly productId: string;
}

/** A payment instrument. */
export interface Resource {
  readonly resourceId: string;
  readonly accountHolderId: string;
  readonly bundleId: string;
  readonly paymentProductId: string;
  /** What it pays from; null while there is nothing. */
  readonly targetAccountId: string | null;
  readonly status: "ACTIVE" | "INACTIVE" | "DELETED";
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** BLOCKED can be undone, DELETED cannot. */
export type FormFactorStatus = "ACTIVE" | "BLOCKED" | "DELETED";

/** A card or phone through which a resource is used. */
export interface FormFactor {
  readonly formFactorId: string;
  readonly kind: "CARD" | "PHONE";
  readonly status: FormFactorStatus;
  readonly phoneNumber: string | null;
  readonly createdAt: Date;
}

export interface ResourceWithFormFactors extends Resource {
  readonly formFactors: readonly FormFactor[];
}
