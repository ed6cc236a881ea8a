import { CurrentSession } from "@fusion/contract/login.ts";
import { ApiProblem, get } from "../lib/api.ts";

/** The program of a page could not be fetched, because the server did not answer. */
export class ProgramNotLoaded extends ApiProblem {}

/**
 * The program of a page, as it is fetched when the page is first opened. Throws {@link ProgramNotLoaded} where the server does not answer.
 * Where it does, the program is gone, with an older console: that error is left to the router, which loads the console anew.
 */
export async function program<Module>(module: Promise<Module>): Promise<Module> {
  try {
    return await module;
  } catch (error) {
    if (await serverAnswers()) throw error;
    throw new ProgramNotLoaded({
      status: 0,
      code: "no_answer",
      detail: "The server did not answer. Nothing is changed by that. Check your connection and try again.",
    });
  }
}

/** Whether the server answers at all, be it that nobody is logged in. */
export async function serverAnswers(): Promise<boolean> {
  try {
    await get("/session", CurrentSession);
    return true;
  } catch (problem) {
    return problem instanceof ApiProblem && problem.status !== 0 && problem.status < 500;
  }
}
