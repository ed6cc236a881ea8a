// Loaded into a node before anything else (`node --import`). Shifts its wall clock by the milliseconds in the file that
// FUSION_TEST_CLOCK_FILE names, read again at every SIGUSR2. The monotonic clock stays right, as when somebody sets a machine's time. A
// seam of the test: nothing in the product knows of it.
import { readFileSync } from "node:fs";

const file = process.env.FUSION_TEST_CLOCK_FILE;
if (file === undefined) throw new Error("FUSION_TEST_CLOCK_FILE is missing.");
const readShift = (): number => Number(readFileSync(file, "utf8"));

const RealDate = Date;
const realNow = Date.now.bind(Date);
let shiftMs = readShift();
process.on("SIGUSR2", () => {
  shiftMs = readShift();
});

globalThis.Date = new Proxy(RealDate, {
  construct(target, values: ConstructorParameters<DateConstructor> | [], newTarget) {
    return Reflect.construct(target, values.length === 0 ? [realNow() + shiftMs] : values, newTarget);
  },
  apply: () => new RealDate(realNow() + shiftMs).toString(),
});
RealDate.now = () => realNow() + shiftMs;
