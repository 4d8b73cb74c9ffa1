// The two fields of every upgrade (RFC 9110 §7.8): in the offer, in the 101, and in a refusal with the status 426.

import type { FieldList } from "../http/write_head.ts";

export const UPGRADE_FIELDS: Readonly<FieldList> = [["Upgrade", "websocket"], ["Connection", "Upgrade"]];
