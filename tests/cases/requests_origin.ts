// Rows about Origin (RFC 6455 §4.2.2 (4), §10.2): which are let in by `"same-host"`, which is the default, by `"any"`,
// and by lists of exact origins and of expressions that must match the whole.

import { type RequestRow, rows, upgrade } from "./requests_base.ts";

const from = (Origin: string | readonly string[], Host = "server.example.com") => upgrade({ Host, Origin });

const LIST = { options: { origins: ["https://app.example", "https://app.example:8443", "http://localhost:3000"] } };
const NULL_LISTED = { options: { origins: ["null"] } };
const EXPRESSION = { options: { origins: [/https:\/\/\w+\.app\.example/] } };
const ALTERNATIVES = { options: { origins: [/https:\/\/a\.example|https:\/\/b\.example/] } };
const GLOBAL = { options: { origins: [/https:\/\/\w+\.app\.example/g] } };
const MIXED = { options: { origins: ["https://app.example", /https:\/\/\w+\.app\.example/] } };
const ANY = { options: { origins: "any" as const } };

export const sameHost: RequestRow[] = [
  ...rows({ section: "RFC 6455 §4.2.1 (7)", expect: "upgrade", evidence: "request" }, [
    ["no Origin", upgrade()],
  ]),
  ...rows({ section: "RFC 6455 §10.2", expect: "upgrade", evidence: "request" }, [
    ["the origin of the same host", from("http://server.example.com")],
    ["the https origin of the same host", from("https://server.example.com")],
    ["the default port of http, spelled out in Origin", from("http://server.example.com:80")],
    ["the default port of https, spelled out in Origin", from("https://server.example.com:443")],
    ["the default port of http, spelled out in Host", from("http://server.example.com", "server.example.com:80")],
    ["the default port of https, spelled out in Host", from("https://server.example.com", "server.example.com:443")],
    ["an http origin with the port of Host", from("http://server.example.com:8080", "server.example.com:8080")],
    ["an https origin with the port of Host", from("https://server.example.com:8443", "server.example.com:8443")],
    ["an origin with the IPv4 address of Host", from("http://127.0.0.1:8080", "127.0.0.1:8080")],
    ["an origin with the IPv6 address of Host", from("http://[::1]:8080", "[::1]:8080")],
  ]),
  ...rows({ section: "RFC 6455 §4.2.2 (4)", expect: "upgrade", evidence: "request" }, [
    ["the same host, in upper case in Origin", from("http://SERVER.EXAMPLE.COM")],
    ["the same host, in upper case in Host", from("http://server.example.com", "SERVER.EXAMPLE.COM")],
    ["an origin with its scheme in upper case", from("HTTPS://server.example.com")],
  ]),
  ...rows({ section: "RFC 6455 §10.2", expect: "origin-refused", evidence: "request" }, [
    ["the origin of another host", from("http://evil.example")],
    ["an origin that begins with the host", from("http://server.example.com.evil.example")],
    ["an origin that begins with a domain above the host", from("http://example.com.evil")],
    ["an origin that ends with the host", from("http://evil-server.example.com")],
    ["a host below the host", from("http://evil.server.example.com")],
    ["a domain above the host", from("http://example.com")],
    ["an origin with another port", from("http://server.example.com:8080")],
    ["an origin with another port than Host", from("http://server.example.com:8080", "server.example.com:8081")],
    ["an origin without a port where Host has one", from("http://server.example.com", "server.example.com:8080")],
    ["an http origin with the port of https", from("http://server.example.com:443")],
    ["an https origin with the port of http", from("https://server.example.com:80")],
    ["an http origin where Host has the port of https", from("http://server.example.com", "server.example.com:443")],
    ["an https origin where Host has the port of http", from("https://server.example.com", "server.example.com:80")],
    ["the origin null", from("null")],
    ["an empty Origin", from("")],
    ["an origin whose scheme has no default port", from("chrome-extension://server.example.com")],
    ["the origin file://", from("file://")],
    ["an origin without a scheme", from("server.example.com")],
    ["an origin with the host as user information", from("http://server.example.com@evil.example")],
    ["an origin with user information before the host", from("http://me@server.example.com")],
    ["an origin with a path", from("http://server.example.com/")],
    ["an origin with the host in its path", from("http://evil.example/server.example.com")],
    ["an origin with the host behind a number sign", from("http://evil.example#@server.example.com")],
    ["an origin with a backslash behind the host", from("http://server.example.com\\@evil.example")],
    ["an origin with a port that is the right one modulo 65536", from("http://server.example.com:65616")],
    ["an origin with a space inside", from("http://server.example.com evil")],
    ["an origin with a byte above 0x7F", from("http://server.ex\xe4mple.com")],
  ]),
  ...rows({ section: "RFC 9110 §5.3", expect: "head-malformed", evidence: "bytes" }, [
    ["two Origins", from(["http://server.example.com", "http://evil.example"])],
    ["the same Origin twice", from(["http://server.example.com", "http://server.example.com"])],
  ]),
  ...rows({ section: "RFC 9110 §5.5", expect: "head-malformed", evidence: "request" }, [
    ["two origins in one field line", from("http://server.example.com, http://evil.example")],
    ["a comma behind an origin", from("http://server.example.com,")],
    ["two origins although any is let in", from("http://a.example, http://b.example"), ANY],
  ]),
  ...rows({ section: "RFC 9112 §3.2.2", expect: "upgrade", evidence: "bytes" }, [
    [
      "the origin of the target in absolute-form, whatever Host is",
      upgrade(
        { Host: "other.example", Origin: "http://server.example.com" },
        "GET http://server.example.com/chat HTTP/1.1",
      ),
    ],
  ]),
  ...rows({ section: "RFC 9112 §3.2.2", expect: "origin-refused", evidence: "bytes" }, [
    [
      "the origin of Host, where the target in absolute-form has another host",
      upgrade(
        { Host: "other.example", Origin: "http://other.example" },
        "GET http://server.example.com/chat HTTP/1.1",
      ),
    ],
  ]),
];

export const listed: RequestRow[] = [
  ...rows({ section: "RFC 6455 §10.2", expect: "upgrade", evidence: "request" }, [
    ["a listed origin", from("https://app.example"), LIST],
    ["a listed origin with a port", from("https://app.example:8443"), LIST],
    ["no Origin although there is a list", upgrade(), LIST],
    ["the origin null where it is listed", from("null"), NULL_LISTED],
    ["an origin that an expression matches", from("https://a.app.example"), EXPRESSION],
    ["the second alternative of an expression", from("https://b.example"), ALTERNATIVES],
    ["an origin that a global expression matches", from("https://a.app.example"), GLOBAL],
    ["a listed origin beside an expression", from("https://app.example"), MIXED],
    ["an expression's origin beside a listed one", from("https://b.app.example"), MIXED],
    ["any origin where any is let in", from("http://evil.example"), ANY],
    ["a listed origin in upper case", from("HTTPS://APP.EXAMPLE"), { ...LIST, section: "RFC 6455 §4.2.2 (4)" }],
  ]),
  ...rows({ section: "RFC 6455 §10.2", expect: "origin-refused", evidence: "request" }, [
    ["the same host where it is not listed", from("http://server.example.com"), LIST],
    ["a listed host with another scheme", from("http://app.example"), LIST],
    ["a listed host with another port", from("https://app.example:9443"), LIST],
    ["a listed host without its port", from("http://localhost"), LIST],
    ["an origin that begins with a listed one", from("https://app.example.evil.example"), LIST],
    ["an origin that begins with a listed one and a port", from("http://localhost:30001"), LIST],
    ["a host below a listed one", from("https://www.app.example"), LIST],
    ["the origin null where it is not listed", from("null"), LIST],
    ["an origin where none is listed", from("http://server.example.com"), { options: { origins: [] } }],
    ["an origin whose beginning an expression matches", from("https://a.app.example.evil.example"), EXPRESSION],
    ["an origin whose end an expression matches", from("xhttps://a.app.example"), EXPRESSION],
    ["an origin whose beginning the first alternative matches", from("https://a.example.evil.example"), ALTERNATIVES],
    ["an origin whose end the second alternative matches", from("xhttps://b.example"), ALTERNATIVES],
    ["the origin null where an expression does not match it", from("null"), EXPRESSION],
  ]),
];
