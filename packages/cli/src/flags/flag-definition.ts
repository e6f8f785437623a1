/**
 * A flag as a plain value, so that the fast path can read it without oclif: `parseArgs` of node:util takes `type`, `short` and `multiple`,
 * and `oclifFlags` makes oclif's flag of all of it.
 */
export interface FlagDefinition {
  readonly type: "string" | "boolean";
  /** The flag's short form, one letter. */
  readonly short?: string;
  /** Whether the flag may be given several times. */
  readonly multiple?: true;
  readonly description: string;
  /** What help calls the value. */
  readonly helpValue?: string;
  /** The flag's heading in help, in place of FLAGS. */
  readonly helpGroup?: string;
  /** Whether help and completion leave it out. */
  readonly hidden?: true;
}

/** Flags by their names, without the dashes. */
export type FlagDefinitions = Readonly<Record<string, FlagDefinition>>;

/** The values that a command line gives to flags. */
export type FlagValues<D extends FlagDefinitions> = {
  readonly [Name in keyof D]?: FlagValue<D[Name]> | undefined;
};

type FlagValue<D extends FlagDefinition> = D extends { type: "boolean" }
  ? boolean
  : D extends { multiple: true }
    ? readonly string[]
    : string;
