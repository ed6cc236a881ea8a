import { AuditAction } from "@fusion/contract/audit-actions.ts";
import { expect, test } from "vitest";
import { actionWords } from "./team-words.ts";

test("every action of the audit trail has a sentence of its own, and one that is newer than the page its name", () => {
  const sentences = AuditAction.options.map(actionWords);
  expect(new Set(sentences).size).toBe(AuditAction.options.length);
  expect(sentences.filter((sentence) => !/^[A-Z]/.test(sentence))).toEqual([]);
  expect(actionWords("token.sent-to-the-moon")).toBe("token sent to the moon");
});
