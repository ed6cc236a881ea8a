import type { FastifyReply } from "fastify";
import type { Answered } from "./parts.ts";

/** Gives the answer, and runs the rest once it has gone out (or the caller has left). */
export function answered<Answer>(reply: FastifyReply, { answer, afterwards }: Answered<Answer>): Answer {
  let done = false;
  const once = (): void => {
    if (done) return;
    done = true;
    afterwards();
  };
  reply.raw.once("finish", once).once("close", once);
  return answer;
}
