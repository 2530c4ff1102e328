/**
 * @module The constant PowerShell script that tells everything in one JSON text. It takes no input, so that nothing can be slipped in.
 *
 * Windows PowerShell 5.1 (part of every Windows since 10) and PowerShell 7 run it. Cmdlets: Get-NetTCPConnection, Get-NetUDPEndpoint,
 * Get-NetTCPSetting, Get-NetIPAddress, Get-NetIPInterface, Get-NetAdapter, Get-NetRoute (Windows 8 and Server 2012 or later), Get-CimInstance.
 */

/** Sockets and processes. */
const socketsScript = String.raw`
$all.tcp = @(Get-NetTCPConnection | Select-Object LocalAddress, LocalPort, RemoteAddress, RemotePort, State, OwningProcess)
$all.udp = @(Get-NetUDPEndpoint | Select-Object LocalAddress, LocalPort, OwningProcess)
$all.processes = @(Get-CimInstance Win32_Process | Select-Object ProcessId, ParentProcessId, Name, CommandLine, ExecutablePath, CreationDate, WorkingSetSize)
`;

/** Interfaces and limits. */
const networkScript = String.raw`
$all.addresses = @(Get-NetIPAddress | Select-Object IPAddress, PrefixLength, InterfaceIndex, InterfaceAlias, AddressState)
$all.interfaces = @(Get-NetIPInterface | Select-Object InterfaceIndex, InterfaceAlias, AddressFamily, NlMtu, ConnectionState)
$all.adapters = @(Get-NetAdapter -IncludeHidden | Select-Object InterfaceIndex, MacAddress)
$all.routes = @(Get-NetRoute | Where-Object { $_.DestinationPrefix -eq '0.0.0.0/0' -or $_.DestinationPrefix -eq '::/0' } | Select-Object InterfaceIndex, DestinationPrefix)
$all.portRanges = @(Get-NetTCPSetting | Select-Object SettingName, DynamicPortRangeStartPort, DynamicPortRangeNumberOfPorts)
$all.dynamicPorts = (netsh int ipv4 show dynamicport tcp) -join [char]10
$all.excludedPorts = (netsh int ipv4 show excludedportrange protocol=tcp) -join [char]10
`;

/** What to ask for: a whole look, or the interfaces and limits alone. */
export type ScriptScope = "all" | "network";

/** The script. Its output is plain ASCII, so that no code page can spoil it. */
export function powershellScript(scope: ScriptScope): string {
  return `$ErrorActionPreference = 'SilentlyContinue'
$ProgressPreference = 'SilentlyContinue'
$all = @{}
${scope === "all" ? socketsScript : ""}${networkScript}
$json = ConvertTo-Json -InputObject $all -Depth 4 -Compress
$json = [regex]::Replace($json, '[^\\x20-\\x7e]', { param($m) '\\u{0:x4}' -f [int][char]$m.Value })
[Console]::Out.Write($json)
`;
}

/**
 * Words of the command line of powershell.exe (about_PowerShell_exe): the script goes encoded, UTF-16LE in base64, so that nothing of it
 * is quoted; about 6,000 characters of the 32,767 that Windows allows.
 */
export function powershellWords(scope: ScriptScope): readonly string[] {
  const encoded = Buffer.from(powershellScript(scope), "utf16le").toString("base64");
  return ["-NoLogo", "-NoProfile", "-NonInteractive", "-EncodedCommand", encoded];
}

/** Path of Windows PowerShell. By its full path, because Windows looks for bare names in the working directory first. */
export function powershellPath(environment: NodeJS.ProcessEnv): string {
  return `${environment["SystemRoot"] ?? "C:\\Windows"}\\System32\\WindowsPowerShell\\v1.0\\powershell.exe`;
}
