import { BlockList, isIP } from "node:net";
import { type Find, findsOf } from "./find.ts";

const FOUR = /(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d|[-+][a-z])/gi;
const SIX = /(?<![\w:.])[\da-f]{0,4}(?::[\da-f]{0,4}){2,8}(?<=[\da-f]|::)(?!\w|:[\da-f:])/gi;

/** Ranges in which an address tells nobody: one's own network, this computer, masks, examples, and public servers for names. */
const NOBODY = new BlockList();
for (const [range, bits] of [
  ...([
    ["0.0.0.0", 8],
    ["10.0.0.0", 8],
    ["100.64.0.0", 10],
    ["127.0.0.0", 8],
    ["169.254.0.0", 16],
  ] as const),
  ...([
    ["172.16.0.0", 12],
    ["192.0.2.0", 24],
    ["192.168.0.0", 16],
    ["198.18.0.0", 15],
  ] as const),
  ...([
    ["198.51.100.0", 24],
    ["203.0.113.0", 24],
    ["224.0.0.0", 3],
    ["9.9.9.9", 32],
    ["208.67.222.222", 32],
  ] as const),
])
  NOBODY.addSubnet(range, bits, "ipv4");
for (const [range, bits] of [
  ["2001:db8::", 32],
  ["3fff::", 20],
  ["2001:4860:4860::", 48],
  ["2606:4700:4700::", 48],
] as const)
  NOBODY.addSubnet(range, bits, "ipv6");

/** What stands before the number of a version, a section or a package. */
const VERSION =
  /(?:\b(?:v|ver|version\w*|release|build|firmware|driver|section|chapter|update|upgrade\w*)\b[^\w]{0,3}(?:to )?|§ ?|[\w)]\/|[=~><]=\s?)$/i;

/** Addresses of computers that may be somebody's. */
export function ipAddresses(text: string): Find[] {
  const found = [...findsOf("ip", text, FOUR), ...findsOf("ip", text, SIX)];
  return found.filter(({ start, end }) => {
    const address = text.slice(start, end);
    return isSomebodys(address) && !VERSION.test(text.slice(Math.max(0, start - 20), start));
  });
}

/** Four numbers below twenty are the number of a version or a section, or a server that everybody asks, such as 8.8.8.8. */
function isSomebodys(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !NOBODY.check(address) && address.split(".").some((part) => Number(part) >= 20);
    case 6:
      return /^[23][\da-f]{3}:/i.test(address) && !NOBODY.check(address, "ipv6");
    default:
      return false;
  }
}
