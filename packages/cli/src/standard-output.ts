import process from "node:process";

/** Writes bytes to standard output and waits until they are on their way. */
export function writeOut(bytes: Uint8Array): Promise<void> {
  return new Promise((done, failed) => process.stdout.write(bytes, (error) => (error ? failed(error) : done())));
}
