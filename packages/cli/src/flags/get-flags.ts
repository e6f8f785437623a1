import type { FlagDefinitions } from "./flag-definition.js";
import { READ_FLAGS } from "./global-flags.js";

/** The flags of `get`. */
export const GET_FLAGS = {
  ...READ_FLAGS,
  "for-program": { type: "boolean", hidden: true, description: "read for a program that needs the value, as the SDKs do" },
} as const satisfies FlagDefinitions;
