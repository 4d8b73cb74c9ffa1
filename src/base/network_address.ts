// The addresses of a connection, as whoever has the connection tells them, and as a policy is told them.

/**
 * The address of one end of a connection, or of a listener. A `Deno.NetAddr` of TCP and a `Deno.UnixAddr` are such
 * addresses. A Unix socket has one path: that of its listener, which stands for both ends.
 *
 * @example Print it
 * ```ts
 * import type { NetworkAddress } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const shown = (addr: NetworkAddress) => addr.transport === "unix" ? addr.path : `${addr.hostname} port ${addr.port}`;
 *
 * const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
 * assertEquals(shown(listener.addr as Deno.NetAddr & { transport: "tcp" }), `127.0.0.1 port ${listener.addr.port}`);
 * listener.close();
 * ```
 */
export type NetworkAddress =
  | { readonly transport: "tcp"; readonly hostname: string; readonly port: number }
  | { readonly transport: "unix"; readonly path: string };

/** What a transport knows of its two ends; `undefined` is what it does not know. */
export interface Endpoints {
  /**
   * The address of our end. Sockets are asked when this is first read, for that takes two system calls: where their
   * runtime forgets the address of a socket that has closed, it is known afterwards only to who has read it before.
   */
  readonly localAddr: NetworkAddress | undefined;
  /** The address of the peer's end, or of a proxy that is between; known for as long as `localAddr` is. */
  readonly remoteAddr: NetworkAddress | undefined;
  /** Whether the bytes travel in TLS. */
  readonly isSecure: boolean | undefined;
}

/**
 * What an address counts as where addresses are counted: an IPv6 address as its /64, all of which one customer may have
 * (RFC 6177 §2), and one that stands for an IPv4 address as that (RFC 4291 §2.5.5.2). A port behind it, which some proxies
 * tell as well, does not count. Anything else counts as itself.
 */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const withPort = WITH_PORT.exec(address), bare = withPort?.[1] ?? withPort?.[2] ?? address;
  if (!bare.includes(":")) return bare;
  const url = `http://[${bare.split("%", 1)[0]}]/`; // without the zone of a link-local address
  if (!URL.canParse(url)) return address;
  const [front = "", back = ""] = new URL(url).hostname.slice(1, -1).split("::");
  const [first, last] = [front, back].map((part) => part === "" ? [] : part.split(":")) as [string[], string[]];
  const groups = [...first, ...Array<string>(8 - first.length - last.length).fill("0"), ...last];
  if (groups.slice(0, 6).join(":") !== "0:0:0:0:0:ffff") return `${groups.slice(0, 4).join(":")}::/64`;
  return groups.slice(6).flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255]).join(".");
}

/** An IPv4 address with a port, or an IPv6 address in brackets, as in URLs (RFC 3986 §3.2.2). */
const WITH_PORT = /^(?:(\d+\.\d+\.\d+\.\d+):\d+|\[([^\]]*:[^\]]*)\](?::\d+)?)$/;
