/** The path under which the console calls the server. */
export const consoleApi = "/console/api";
