/** How often codes are sent and how often one may be wrong. The program uses the standard limits below; tests pass others. */
export interface LoginLimits {
  readonly codeLifetimeMs: number;
  /** The lifetime of the walk from identifier to session. */
  readonly walkLifetimeMs: number;
  readonly sendPauseMs: number;
  readonly sendsPerHour: number;
  readonly sendsPerDay: number;
  readonly sendsPerHourAndIp: number;
  /** Over all addresses: bounds the cost of a runaway loop or an attack. */
  readonly sendsPerHourInAll: number;
  readonly failuresMax: number;
  readonly lockMs: number;
  readonly failuresInARowMax: number;
  readonly sessionIdleMs: number;
  readonly sessionLifetimeMs: number;
  /** How old the recorded "last seen" of a session may be, so that not every request needs a write. */
  readonly sessionTouchMs: number;
  /** How long an approved new password may be set. */
  readonly approvalLifetimeMs: number;
  /** How old a request for approval must be before asking again tells everyone again. */
  readonly resetRepeatMs: number;
}

const minute = 60_000;
const hour = 60 * minute;

export const standardLimits: LoginLimits = {
  codeLifetimeMs: 5 * minute,
  walkLifetimeMs: 30 * minute,
  sendPauseMs: minute,
  sendsPerHour: 5,
  sendsPerDay: 10,
  sendsPerHourAndIp: 20,
  sendsPerHourInAll: 5_000,
  failuresMax: 10,
  lockMs: 30 * minute,
  failuresInARowMax: 100,
  sessionIdleMs: 15 * minute,
  sessionLifetimeMs: 12 * hour,
  sessionTouchMs: 30_000,
  approvalLifetimeMs: 24 * hour,
  resetRepeatMs: 24 * hour,
};

/** Wrong tries of one code; also a CHECK of the table. */
export const triesPerCode = 5;
