import { DomainError } from "../errors.ts";
import type { HttpServer } from "./server.ts";

export const formType = "application/x-www-form-urlencoded";

/**
 * Accepts only `application/x-www-form-urlencoded` bodies in this scope, parsed to a plain object of their parameters. As in RFC 6749, a
 * parameter without a value counts as left out, and none may come twice (section 3.1 and 3.2), since two readers could take different ones.
 */
export function takeForms(scope: HttpServer): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser(formType, { parseAs: "string", bodyLimit: 8 * 1024 }, (_request, body, done) => {
    const parameters: Record<string, string> = Object.create(null);
    for (const [name, value] of new URLSearchParams(body as string)) {
      if (name in parameters) {
        done(new ParameterRepeated());
        return;
      }
      parameters[name] = value;
    }
    for (const [name, value] of Object.entries(parameters)) if (value === "") delete parameters[name];
    done(null, { ...parameters });
  });
}

class ParameterRepeated extends DomainError {
  readonly kind = "invalid";
  readonly code = "invalid_request";
  constructor() {
    super("A parameter comes more than once.");
  }
}
