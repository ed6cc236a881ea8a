import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { OperationExample } from "../../platform/http/openapi.ts";
import { addressOf, type Example, urlOf } from "./example.ts";
import { exampleIds } from "./example-ids.ts";
import { walkthrough } from "./walkthrough.ts";

/** The answer of each example when it was last run, by `answerKeyOf`. Written by `examples.test.ts`. */
export type RecordedAnswers = Readonly<Record<string, unknown>>;

export const answersFile: string = join(import.meta.dirname, "answers.json");

export function answerKeyOf(example: Example): string {
  return `${example.method} ${addressOf(example)}: ${example.title}`;
}

/** The examples as the reference and the OpenAPI document show them, each with its recorded answer. */
export function fusionExamples(): OperationExample[] {
  const answers = JSON.parse(readFileSync(answersFile, "utf8")) as RecordedAnswers;
  return walkthrough.map((example) => ({
    title: example.title,
    method: example.method,
    address: addressOf(example),
    url: urlOf(example, exampleIds.ifi),
    headers: example.withToken === false ? [] : ["X-Zeta-AuthToken: $FUSION_TOKEN"],
    parameters: { ifiID: exampleIds.ifi, ...example.at, ...example.query },
    body: example.body,
    status: example.status ?? 200,
    answer: answers[answerKeyOf(example)],
  }));
}
