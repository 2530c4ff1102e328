// Every connection and listener, as npm systeminformation gives them.
import { networkConnections } from "systeminformation";

const found = await networkConnections();
console.log(JSON.stringify(found));
