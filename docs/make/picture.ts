// `deno run -A docs/make/picture.ts`: the picture of the demonstration in the README, by the Chromium that the tests use.

import { chromium } from "playwright-core";
import { serveDemonstration } from "../examples/one_port.ts";
import { program } from "../../tests/kit/harness.ts";

await using server = await serveDemonstration({ port: 0 });
const executablePath = program("chromium");
if (!executablePath) throw new Error("There is no chromium on PATH");
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage({ viewport: { width: 1120, height: 720 } });
await page.goto(server.url!);
await page.locator('#state[data-state="open"]').waitFor();
for (const message of ["Hello", "This came back over the port that the page came from", "Zażółć gęślą jaźń"]) {
  await page.locator("#message").fill(message);
  await page.keyboard.press("Enter");
  await page.locator("#log .echo", { hasText: message }).waitFor();
}
await page.waitForFunction(`Number(document.querySelector("#plot").dataset.points) > 148`, undefined, {
  timeout: 60_000,
});
await page.screenshot({ path: new URL("../images/demonstration.png", import.meta.url).pathname });
await browser.close();
