/** The database cannot be used; the message is for the person at the terminal and holds no password. */
export class DatabaseUnusable extends Error {}
