import { Flags, type Interfaces } from "@oclif/core";
import type { FlagDefinition, FlagDefinitions } from "./flag-definition.js";

type OclifFlag<D extends FlagDefinition> = D extends { type: "boolean" }
  ? Interfaces.BooleanFlag<boolean>
  : Interfaces.OptionFlag<(D extends { multiple: true } ? string[] : string) | undefined>;

/** The same flags as oclif's parser and help take them. */
export function oclifFlags<D extends FlagDefinitions>(definitions: D): { [Name in keyof D]: OclifFlag<D[Name]> } {
  const flags = Object.entries(definitions).map(([name, definition]) => [name, oclifFlag(definition)]);
  return Object.fromEntries(flags) as { [Name in keyof D]: OclifFlag<D[Name]> };
}

function oclifFlag({ type, short, multiple, ...rest }: FlagDefinition) {
  const options = { ...rest, ...(short !== undefined && { char: short as "C" }) };
  if (type === "boolean") return Flags.boolean(options);
  return multiple ? Flags.string({ ...options, multiple, multipleNonGreedy: true }) : Flags.string(options);
}
