/** What the examples of the reference call the things of their story. The bank and the bundle are those of the demonstration data. */
export const exampleIds = {
  ifi: "140793",
  fintech: "9b2f6c1e-3d47-4c0a-8a55-1f0e7d6c2b34",
  bundle: "6f1d3c52-8a0e-4b7f-9d35-2c4e1a7b9f10",
  accountProduct: "2d9c4b7a-6e18-4f3d-9a02-5b8e1c7f0d61",
  paymentProduct: "b1d5c0de-4f27-4a9e-8c36-7e0a2d1f9b58",
  funding: "0f4e8a2c-71b3-4d56-9e0f-3c2a1b5d7e94",
  asha: "3f0e5f1c-3c1f-4a52-9f2e-6f4c1a9b7d10",
  ashasWallet: "5a0f3f66-4d0c-4b57-9d0e-2f6a0a4c1b11",
  ashasSavings: "c7e1d2b3-0a94-4f68-b5c7-d8e9f0a1b2c3",
  ashasCard: "e4a7c3d9-1b52-4860-93f7-a6c5d4e3f201",
  ravi: "8c1de0a7-6a55-4f0c-8b1f-7f2b5c9d2e22",
  ravisWallet: "91d3b7f5-2e6c-4a08-bd19-4c7e5f8a6b30",
  beneficiary: "d05f9e1b-83c4-4726-a1e8-6b9d0c3f5a72",
  phoneFormFactor: "f82b6d40-9c5e-4137-8a2d-0e7f1b3c6d95",
  application: "7969970",
  transfer: "20261124053000000_562_rent-0001",
} as const;
