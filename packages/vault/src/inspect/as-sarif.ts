import { FINDINGS, type Finding } from "./finding.js";
import { digestOf } from "../lock/digest.js";
import type { Verification } from "./verify.js";

/**
 * A verification as a SARIF 2.1.0 log (OASIS, sarif-v2.1.0), for code-scanning pages: a rule for each kind that was found, a result
 * for each finding. Files are named relative to the repository (`%SRCROOT%`).
 */
export function verificationSarif({ folder, findings }: Verification, version: string): object {
  const kinds = [...new Set(findings.map(({ kind }) => kind))];
  return {
    $schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "agent-vault",
            version,
            rules: kinds.map((kind) => ({
              id: kind,
              shortDescription: { text: FINDINGS[kind].says },
              properties: { code: FINDINGS[kind].code, tags: ["security"] },
            })),
          },
        },
        originalUriBaseIds: { "%SRCROOT%": { description: { text: "The root of the repository." } } },
        columnKind: "utf16CodeUnits",
        results: findings.map((finding) => resultOf(finding, folder, kinds.indexOf(finding.kind))),
      },
    ],
  };
}

function resultOf({ severity, kind, subject, message, remedy, file, line }: Finding, folder: string, ruleIndex: number): object {
  const path = [folder, file].filter(Boolean).join("/");
  return {
    ruleId: kind,
    ruleIndex,
    level: severity,
    message: { text: `${message} ${remedy}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: path.split("/").map(encodeURIComponent).join("/"), uriBaseId: "%SRCROOT%" },
          region: { startLine: line ?? 1 },
        },
      },
    ],
    // A code-scanning page recognizes a finding in the next run by these.
    partialFingerprints: { "agentVaultFinding/v1": digestOf([kind, subject, path, message].join("\0")).slice("sha256:".length) },
  };
}
