// Keeps what the compiler made of the source for the next start. Where the folder cannot be written, all is as without.
import { enableCompileCache } from "node:module";

enableCompileCache(`${import.meta.dirname}/../../node_modules/.cache/node-compile`);
