/** How long to wait before a worker is started again. */
export interface RestartPauses {
  /** A worker of this place has died, or could not be started. */
  noteTrouble(place: number): void;
  /** In milliseconds: 0 at first, then a pause that doubles each time. */
  before(place: number): number;
}

const pauseMs = { least: 250, most: 30_000 };
/** Deaths and failed starts of a place that are older than this no longer lengthen its pause. */
const forgottenAfterMs = 60_000;

export function createRestartPauses(): RestartPauses {
  const troubles = new Map<number, readonly number[]>();
  const recent = (place: number): readonly number[] =>
    (troubles.get(place) ?? []).filter((at) => performance.now() - at < forgottenAfterMs);
  return {
    noteTrouble(place) {
      troubles.set(place, [...recent(place), performance.now()]);
    },
    before(place) {
      const times = recent(place).length;
      return times <= 1 ? 0 : Math.min(pauseMs.most, pauseMs.least * 2 ** (times - 2));
    },
  };
}
