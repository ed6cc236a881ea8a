/** Path of an installed nginx, or undefined. */
export function findNginx(): string | undefined;
