/**
 * @module The library's door for programs that want a port and nothing else: `import { pickPort } from "portolan/ports"` loads in a few milliseconds.
 */
export { pickPort, pickPorts, portNumbers, releasePort, releasePorts, type PickPortOptions } from "./lease/index.ts";
