import type { FastifyRequest } from "fastify";

/** The person, or whatever else was proven, behind each request. */
export interface ProvenUser<Proof> {
  prove(request: FastifyRequest): Promise<void>;
  of(request: FastifyRequest): Proof;
}

/**
 * For routes that need a person. `prove` is an `onRequest` hook, so a caller who is not logged in learns that and nothing of the request's
 * faults; `of` gives the person, or whatever else `authenticate` yields, to the handler.
 */
export function provenUser<Proof extends object>(
  authenticate: (request: FastifyRequest) => Promise<Proof>,
): ProvenUser<Proof> {
  const proven = new WeakMap<FastifyRequest, Proof>();
  return {
    async prove(request) {
      proven.set(request, await authenticate(request));
    },
    of(request) {
      const proof = proven.get(request);
      if (!proof) throw new Error("The route was registered without the hook that proves who is calling.");
      return proof;
    },
  };
}
