/** The environment of the system's own programs that we call: none that somebody put first in PATH, and nothing of ours. */
export const SYSTEM_ENVIRONMENT = { PATH: "/usr/bin:/bin:/run/current-system/sw/bin" };
