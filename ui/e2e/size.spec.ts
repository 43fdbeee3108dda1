import { expect, test } from "./fixtures";
import { scriptKb } from "./gate";
import { VIEWS } from "./views";

const LABEL_KB = 150;
const ANY_KB = 200;

for (const name of [
  "label",
  "board",
  "new-task",
  "task-drawer",
  "disputes",
  "detect",
  "recognise",
  "admin",
  "settings",
]) {
  test(`${name} loads little script`, async ({ page, platform }) => {
    await VIEWS[name]?.(page, platform, `size ${name}`);
    const kb = await scriptKb(page);
    expect(kb).toBeGreaterThan(20);
    expect(kb).toBeLessThan(name === "label" ? LABEL_KB : ANY_KB);
  });
}
