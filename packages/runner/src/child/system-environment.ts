/** The environment of the system's own programs that are called here: a fixed PATH, and nothing of ours. */
export const SYSTEM_ENVIRONMENT = { PATH: "/usr/bin:/bin:/run/current-system/sw/bin" };
