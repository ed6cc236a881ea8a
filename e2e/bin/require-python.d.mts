/** A Python 3 that runs, or undefined. */
export function findPython(): string | undefined;
