import pg from "pg";

const whileConnecting = new WeakSet<object>();

/**
 * Whether this error occurred while a connection was being opened. Whatever the server's reason (the account's password was changed, it may
 * no longer act as the role, the database was renamed), no statement was sent yet, and every further connection fails in the same way.
 */
export function failedToConnect(error: unknown): boolean {
  return typeof error === "object" && error !== null && whileConnecting.has(error);
}

/** pg's client, whose failures to connect are known to {@link failedToConnect}. */
export class ConnectingClient extends pg.Client {
  override connect(): Promise<pg.Client>;
  override connect(callback: ((error: Error) => void) | ((error: null, client: pg.Client) => void)): void;
  override connect(callback?: (error: never, client: never) => void): Promise<pg.Client> | undefined {
    const note = (error: unknown): void => {
      if (typeof error === "object" && error !== null) whileConnecting.add(error);
    };
    if (callback === undefined)
      return super.connect().catch((error: unknown) => {
        note(error);
        throw error;
      });
    // As pg-pool asks it.
    super.connect((error: Error | null, client?: pg.Client) => {
      note(error);
      callback(error as never, client as never);
    });
    return undefined;
  }
}
