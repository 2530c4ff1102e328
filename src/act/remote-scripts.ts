/**
 * @module What runs on the other machine: constant scripts that read what Portolan reads, and print it as records.
 *
 * A record is a line `@f PATH` with the file's lines after it, each behind a space, NUL as U+0001; or `@s LINK TARGET`; or `@h FOLDER` or
 * `@d` with the lines of `ls -l` behind spaces. Nothing on the other machine is written, and nothing of the user's is in the scripts.
 */

/** Files for which there is one. */
const machineFiles = [
  ..."tcp tcp6 udp udp6 dev route ipv6_route if_inet6 fib_trie".split(" ").map((name) => `/proc/net/${name}`),
  "/proc/sys/net/ipv4/ip_unprivileged_port_start",
  "/proc/sys/net/ipv4/ip_local_port_range",
  "/proc/sys/net/ipv4/ip_local_reserved_ports",
  "/proc/sys/net/ipv4/ip_nonlocal_bind",
  "/proc/sys/net/ipv6/ip_nonlocal_bind",
  "/proc/sys/net/ipv6/bindv6only",
  "/proc/sys/kernel/hostname",
  "/proc/sys/kernel/ostype",
  "/etc/passwd",
];
const interfaceFiles = "flags operstate address mtu ifindex type".split(" ");
const processFiles = "stat status cmdline cgroup".split(" ");

/** For `node -`, from version 12 on. */
export const nodeScript = `"use strict";
const fs = require("fs");
const out = [];
const file = (path, text) => out.push("@f " + path + "\\n" + text.split("\\0").join("\\u0001").replace(/^/gm, " ") + "\\n");
const read = (path) => { try { file(path, fs.readFileSync(path, "latin1")); } catch (error) {} };
const link = (path) => {
  try {
    const target = fs.readlinkSync(path, "latin1");
    if (!path.includes("/fd/") || target.startsWith("socket:[")) out.push("@s " + path + " " + target.replace(/[\\0\\r\\n]/g, "?") + "\\n");
  } catch (error) {}
};
const names = (path) => { try { return fs.readdirSync(path); } catch (error) { return []; } };
${JSON.stringify(machineFiles)}.forEach(read);
try { file("/proc/stat", /^btime .*$/m.exec(fs.readFileSync("/proc/stat", "latin1"))[0]); } catch (error) {}
for (const name of names("/sys/class/net")) ${JSON.stringify(interfaceFiles)}.forEach((entry) => read("/sys/class/net/" + name + "/" + entry));
link("/proc/self/ns/net");
for (const pid of names("/proc")) {
  if (!/^[0-9]+$/.test(pid)) continue;
  ${JSON.stringify(processFiles)}.forEach((entry) => read("/proc/" + pid + "/" + entry));
  link("/proc/" + pid + "/cwd");
  link("/proc/" + pid + "/exe");
  try { for (const name of fs.readdirSync("/proc/" + pid + "/fd")) link("/proc/" + pid + "/fd/" + name); out.push("@o " + pid + "\\n"); } catch (error) {}
}
out.push("@end\\n");
process.stdout.write(Buffer.from(out.join(""), "latin1"));
`;

/**
 * The remote command, for a POSIX shell. Takes what is there: Portolan, else Node, which is given the script above on standard input, else
 * cat's kin. Each way begins with a line that says which it is.
 */
export const remoteCommand = `LC_ALL=C; export LC_ALL; PATH=$PATH:/usr/local/bin:/usr/bin:/bin
if [ -z "$PORTOLAN_PLAIN" ] && command -v portolan >/dev/null 2>&1; then
  echo; echo @snapshot; portolan snapshot - 2>/dev/null && exit 0; echo; echo @failed
fi
if [ -z "$PORTOLAN_PLAIN" ] && command -v node >/dev/null 2>&1; then echo; echo @node; exec node -; fi
echo; echo @plain
show() { [ -r "$1" ] && { printf '\\n@f %s\\n' "$1"; tr '\\000' '\\001' <"$1" | sed 's/^/ /'; }; } 2>/dev/null
for f in ${machineFiles.join(" ")}; do show "$f"; done
printf '\\n@f /proc/stat\\n'; sed -n 's/^btime/ btime/p' /proc/stat
for d in /sys/class/net/*; do for n in ${interfaceFiles.join(" ")}; do show "$d/$n"; done; done
for d in /proc/[0-9]*; do for n in ${processFiles.join(" ")}; do show "$d/$n"; done; done
q=; ls -dq / >/dev/null 2>&1 && q=q
printf '\\n@d\\n'; ls -ld$q /proc/[0-9]*/cwd /proc/[0-9]*/exe /proc/self/ns/net 2>/dev/null | sed 's/^/ /'
printf '\\n@h\\n'; ls -l$q /proc/[0-9]*/fd 2>/dev/null | sed 's/^/ /'
printf '\\n@end\\n'
`;
