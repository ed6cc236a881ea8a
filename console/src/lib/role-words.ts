import type { Role } from "@fusion/contract/login.ts";

/** What a role is called, and what it may do. */
export const roleWords: Record<Role, { name: string; may: string }> = {
  operator_admin: {
    name: "Operator admin",
    may: "Looks after every fintech, its people and its applications.",
  },
  operator_viewer: { name: "Operator viewer", may: "Sees every fintech, changes nothing." },
  fintech_admin: {
    name: "Fintech admin",
    may: "Manages all applications and the fintech's people, and approves new passwords.",
  },
  fintech_member: { name: "Fintech member", may: "Works with the applications that were opened to you." },
};
