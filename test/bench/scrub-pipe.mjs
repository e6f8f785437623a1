// Passes standard input on: as it is, or scrubbed of so many secrets as the first word says; of all shapes, if there is a second one.
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import process from "node:process";
import { KnownSecrets } from "../../packages/runner/dist/index.js";
import { secrets, shapedSecrets } from "./scrub.mjs";

const count = Number(process.argv[2]);
const known = process.argv[3] === undefined ? secrets : shapedSecrets;
await pipeline(process.stdin, count === 0 ? new PassThrough() : new KnownSecrets(known(count)).stream(), process.stdout);
