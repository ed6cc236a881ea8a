import { CurrentSession } from "@fusion/contract/login.ts";
import { ApiProblem, get } from "../lib/api.ts";

/** The program of a page could not be fetched, because the server did not answer. */
export class ProgramNotLoaded extends ApiProblem {}

/**
 * Awaits the program of a page, which is fetched when the page is first opened. Throws {@link ProgramNotLoaded} if the server does not
 * answer. If it does answer, the file is gone because the console was updated: the router gets that error and loads the console anew.
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

/** Whether the server answers at all, even if only to say that nobody is logged in. */
export async function serverAnswers(): Promise<boolean> {
  try {
    await get("/session", CurrentSession);
    return true;
  } catch (problem) {
    return problem instanceof ApiProblem && problem.status !== 0 && problem.status < 500;
  }
}
