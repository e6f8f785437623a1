import process from "node:process";

/** The milliseconds of processor time that work in this process takes: unlike time on the clock, little is added by what else runs here. */
export async function processorTimeMs(work: () => unknown): Promise<number> {
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}
