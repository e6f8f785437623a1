export type { Holder, RequestedSecret, UseRequest } from "./use-request.js";
export { KnownSecrets, SHORTEST_SECRET, type SecretToScrub } from "./scrub/known-secrets.js";
export type { Scrubber } from "./scrub/scrubber.js";
export type { ScrubStream } from "./scrub/scrub-stream.js";
