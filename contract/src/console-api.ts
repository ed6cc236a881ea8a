/** Under which path the server has what the console asks for, and the console asks for it. */
export const consoleApi = "/console/api";
