// Passes standard input on: as it is, or scrubbed of so many secrets as the first word says.
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import process from "node:process";
import { KnownSecrets } from "../../packages/runner/dist/index.js";
import { secrets } from "./scrub.mjs";

const count = Number(process.argv[2]);
await pipeline(process.stdin, count === 0 ? new PassThrough() : new KnownSecrets(secrets(count)).stream(), process.stdout);
