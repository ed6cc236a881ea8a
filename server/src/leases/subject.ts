import type { ApplicationId, FintechKey } from "../platform/ids.ts";

declare const brand: unique symbol;
/** What a narrowing is about: one token, all tokens of an application, or all of a fintech. Migration 0080 writes the same names. */
export type Subject = string & { readonly [brand]: "subject" };

/** A token, by the SHA-256 of its secret in base64url: the key under which memories hold it. */
export const tokenSubject = (secretHash: string): Subject => `token/${secretHash}` as Subject;
export const applicationSubject = (applicationId: ApplicationId): Subject =>
  `application/${applicationId}` as Subject;
export const fintechSubject = ({ ifiId, fintechId }: FintechKey): Subject =>
  `fintech/${ifiId}/${fintechId}` as Subject;
