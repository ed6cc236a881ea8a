// One of the example clients is a Python program.
import { spawnSync } from "node:child_process";
import { requireProgram } from "./require-program.mjs";

const candidates = [process.env.PYTHON_PATH, "/usr/bin/python3", "python3"].filter(
  (path) => path !== undefined && path !== "",
);

/** A Python 3 that runs, or undefined. */
export function findPython() {
  return candidates.find((path) => spawnSync(path, ["-c", "import json, urllib.request"]).status === 0);
}

if (import.meta.main ?? process.argv[1] === new URL(import.meta.url).pathname) {
  requireProgram({
    find: findPython,
    whoNeedsIt: "The test of the Python client needs Python 3.",
    debianPackage: "python3",
    otherwise: "or set PYTHON_PATH to the program of an installed Python 3",
  });
}
