import process from "node:process";
import { describe, it } from "vitest";
import { rounds } from "../support/slow.js";
import { World } from "./world.js";

const STEPS = rounds(8, 20, "STEPS");
const seeds = Array.from({ length: rounds(1, 1000, "SEQUENCES") }, (_, index) => Number(process.env["SEED"] ?? 1) + index);

describe("owners who change, commit code, branch, revert and sync in any order, and an agent who reads", () => {
  it.each(seeds)("end in the access of the model, with every value, sequence %d", { timeout: 600_000 }, async (seed) => {
    const world = await World.make(seed);
    try {
      for (let step = 0; step < STEPS; step++) await world.step();
      await world.end();
    } catch (error) {
      throw new Error([error instanceof Error ? error.message : error, ...world.log].join("\n"), { cause: error });
    }
  });
});
