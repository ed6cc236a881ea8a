import type { Example } from "./example.ts";
import { exampleIds as ids } from "./example-ids.ts";

const asha = { accountHolderID: ids.asha };

export const holderExamples: readonly Example[] = [
  {
    title: "A person",
    method: "POST",
    path: "/applications/newIndividual",
    body: {
      ifiID: ids.ifi,
      formID: "form-0001",
      applicationType: "CREATE_ACCOUNT_HOLDER",
      individualType: "REAL",
      firstName: "Asha",
      lastName: "Iyer",
      dob: { year: 1990, month: 1, day: 31 },
      gender: "",
      kycDetails: { kycStatus: "MINIMAL", authType: "PAN", authData: { PAN: "AAKPI0001A" } },
      vectors: [{ type: "p", value: "+919812300001", isVerified: true }],
    },
    names: { individualID: ids.asha },
  },
  {
    title: "A phone that is taken",
    method: "POST",
    path: "/applications/newIndividual",
    body: {
      formID: "form-0002",
      individualType: "REAL",
      firstName: "Kiran",
      kycDetails: { kycStatus: "MINIMAL", authType: "PAN", authData: { PAN: "AAKPI0002B" } },
      vectors: [{ type: "p", value: "+919812300001" }],
    },
  },
  {
    title: "A field that is wrong",
    method: "POST",
    path: "/applications/newIndividual",
    body: {
      formID: "form-0003",
      individualType: "REAL",
      firstName: "Kiran",
      kycDetails: { kycStatus: "MINIMAL", authType: "PAN", authData: { PAN: "AAKPI0002B" } },
      vectors: [{ type: "p", value: "98123" }],
    },
    status: 400,
  },
  {
    title: "A second person",
    method: "POST",
    path: "/applications/newIndividual",
    body: {
      formID: "form-0004",
      individualType: "REAL",
      firstName: "Ravi",
      lastName: "Menon",
      kycDetails: { kycStatus: "MINIMAL", authType: "PAN", authData: { PAN: "AAKPM0003C" } },
      vectors: [{ type: "p", value: "+919812300002" }],
    },
    names: { individualID: ids.ravi },
  },
  {
    title: "A company",
    method: "POST",
    path: "/applications/newAccountHolder",
    body: {
      formID: "company-0001",
      accountHolderType: "LEGAL",
      firstName: "Acme Traders Private Limited",
      kycDetails: { kycStatus: "FULL", authType: "PAN", authData: { PAN: "AACCA0001A" } },
      vectors: [{ type: "e", value: "accounts@acme.example" }],
    },
  },
  {
    title: "An address",
    method: "POST",
    path: "/accountHolders/{accountHolderID}/pops",
    at: asha,
    body: {
      requestID: "pop-0001",
      label: "home",
      address: {
        line1: "1 MG Road",
        city: "Bengaluru",
        state: "Karnataka",
        postCode: "560001",
        country: "India",
      },
      isDefault: true,
    },
  },
  { title: "Addresses", method: "GET", path: "/accountHolders/{accountHolderID}/pops", at: asha },
  {
    title: "An email address",
    method: "POST",
    path: "/accountHolders/{accountHolderID}/vectors",
    at: asha,
    body: { requestID: "vector-0001", type: "e", value: "asha.iyer@example.com" },
  },
  {
    title: "Phone, email and PAN",
    method: "GET",
    path: "/accountHolders/{accountHolderID}/vectors",
    at: asha,
  },
  {
    title: "By its id",
    method: "GET",
    path: "/accountHolders/{accountHolderID}",
    at: { accountHolderID: ids.ravi },
  },
  {
    title: "By its id",
    method: "GET",
    path: "/individuals/{accountHolderID}",
    at: { accountHolderID: ids.ravi },
  },
  {
    title: "By phone",
    method: "GET",
    path: "/individualByVector/{type}/{value}",
    at: { type: "p", value: "+919812300002" },
  },
];

export const applicationExamples: readonly Example[] = [
  {
    title: "A person, for the bank to decide on",
    method: "POST",
    path: "/applications/newIndividualApplication",
    body: {
      formID: "form-0005",
      individualType: "REAL",
      firstName: "Meera",
      lastName: "Das",
      kycDetails: { kycStatus: "MINIMAL", authType: "PAN", authData: { PAN: "AAKPD0004D" } },
      vectors: [{ type: "p", value: "+919812300003" }],
    },
    names: { applicationID: ids.application },
  },
  {
    title: "As it stands",
    method: "GET",
    path: "/applications/{applicationID}",
    at: { applicationID: ids.application },
  },
  {
    title: "A last name",
    method: "PUT",
    path: "/applications/{applicationID}",
    at: { applicationID: ids.application },
    body: { lastName: "Das-Gupta" },
  },
  {
    title: "A proof of address",
    method: "POST",
    version: "v2",
    path: "/applications/{applicationID}/sections",
    at: { applicationID: ids.application },
    body: {
      requestID: "section-0001",
      sectionName: "addressProof",
      section: { type: "UTILITY_BILL", reference: "BILL-2026-11" },
    },
  },
  {
    title: "A better proof of address",
    method: "PUT",
    version: "v2",
    path: "/applications/{applicationID}/sections/{sectionName}",
    at: { applicationID: ids.application, sectionName: "addressProof" },
    body: { type: "PASSPORT", reference: "Z1234567" },
  },
  {
    title: "Those the bank has not decided on",
    method: "GET",
    path: "/applications",
    query: { status: "PROCESSING", pageNumber: 1, pageSize: 10 },
  },
  {
    title: "A person, flat",
    method: "POST",
    version: "v2",
    path: "/applications/newIndividualApplication",
    body: {
      requestID: "application-0001",
      firstName: "Farah",
      lastName: "Khan",
      dob: "2001-04-22T00:00+05:30",
      vectors: [{ type: "p", value: "+919812300004" }],
      kycDetails: { kycStatus: "MINIMAL", authType: "PAN", authData: { PAN: "AAKPK0005E" } },
    },
  },
  {
    title: "Aadhaar after PAN",
    method: "POST",
    version: "v2",
    path: "/accountHolders/{accountHolderID}/createApplication",
    at: asha,
    body: {
      requestID: "kyc-0001",
      kycDetails: {
        kycStatus: "AADHAAR_OTP",
        authType: "AADHAAR",
        authData: { AADHAAR: "999900001111" },
      },
    },
  },
];

export const serviceExamples: readonly Example[] = [
  {
    title: "A brother",
    method: "POST",
    path: "/individuals/{individualID}/beneficiaries",
    at: { individualID: ids.asha },
    body: {
      requestID: "beneficiary-0001",
      type: "REAL",
      firstName: "Rohan",
      lastName: "Iyer",
      relationship: "BROTHER",
    },
    names: { id: ids.beneficiary },
  },
  {
    title: "A bank account",
    method: "POST",
    path: "/individuals/{individualID}/beneficiaries/{beneficiaryID}/accounts",
    at: { individualID: ids.asha, beneficiaryID: ids.beneficiary },
    body: { requestID: "account-0001", accountNumber: "000123456789", ifsc: "ABCD0123456" },
  },
  {
    title: "With their accounts",
    method: "GET",
    path: "/individuals/{individualID}/beneficiaries",
    at: { individualID: ids.asha },
  },
  {
    title: "500 rupees at once, 5,000 a month",
    method: "POST",
    path: "/accountHolders/{accountHolderID}/transactionPolicies",
    at: asha,
    body: {
      requestID: "policy-0001",
      name: "pocket money",
      limits: [
        { period: "TRANSACTION", direction: "DEBIT", maximumAmount: 50000 },
        { period: "MONTH", direction: "DEBIT", maximumAmount: 500000, maximumCount: 100 },
      ],
      disallowedTransferCodes: ["ATLAS_ATM_AUTH"],
    },
  },
  {
    title: "All of a holder",
    method: "GET",
    path: "/accountHolders/{accountHolderID}/transactionPolicies",
    at: asha,
  },
];
