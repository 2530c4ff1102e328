/**
 * @module The gateway as a LaunchAgent of macOS: a property list by launchd.plist(5). Written after its documentation. Pure.
 */
import { unitHeader, type ServiceFacts } from "./systemd-unit.ts";

/** What launchd calls it; the file is called after it. */
export const agentLabel = "portolan.gateway";

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/**
 * The property list.
 * @param errorLog file that takes what it has to say
 */
export function writeLaunchAgent(facts: ServiceFacts, errorLog: string): string {
  const entries = [
    ["Label", text(agentLabel)],
    ["ProgramArguments", `<array>\n${facts.command.map((word) => `    ${text(word)}\n`).join("")}  </array>`],
    ["EnvironmentVariables", `<dict>\n    <key>PORTOLAN_STATE_HOME</key>\n    ${text(facts.stateFolder)}\n  </dict>`],
    ["RunAtLoad", "<true/>"],
    // Started again when it fails, not when it was asked to end.
    ["KeepAlive", "<dict>\n    <key>SuccessfulExit</key>\n    <false/>\n  </dict>"],
    ["WorkingDirectory", text("/")],
    ["StandardOutPath", text("/dev/null")],
    ["StandardErrorPath", text(errorLog)],
    ["Umask", "<integer>63</integer>"],
  ];
  // Two hyphens may not stand in a comment of XML.
  const header = unitHeader(facts)
    .trimEnd()
    .split("\n")
    .map((line) => line.replaceAll("--", "-\\u002d"))
    .join("\n");
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n' +
    `<!--\n${header}\n-->\n` +
    `<plist version="1.0">\n<dict>\n${entries.map(([key, value]) => `  <key>${key}</key>\n  ${value}\n`).join("")}</dict>\n</plist>\n`
  );
}

/** Characters that XML 1.0 cannot hold are left out: no path of a program has them. */
function text(value: string): string {
  const held = value.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "");
  return `<string>${held.replaceAll(/[&<>]/g, (character) => entities[character]!)}</string>`;
}
