import { createRequire } from "node:module";
import type * as WholeVault from "@agent-vault/vault";

const require = createRequire(import.meta.url);

/**
 * All of the vault's package, at once, for methods that cannot wait. It is not imported above, since a program that reads one secret
 * would start twice as slowly.
 */
export const wholeVault = () => require("@agent-vault/vault") as typeof WholeVault;
