// Every port with its process, as npm pid-port gives them.
import { allPortsWithPid } from "pid-port";

console.log(JSON.stringify([...(await allPortsWithPid())]));
