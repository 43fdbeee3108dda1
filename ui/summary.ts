import type { TestModule } from "vitest/node";

/** Prints the line by which CI counts web tests, whatever the runner's own report looks like. */
export default class Summary {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]) {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const passed = tests.filter((test) => test.result().state === "passed").length;
    const broken = modules.filter((module) => module.errors().length > 0).length;
    const failed = tests.filter((test) => test.result().state === "failed").length + broken + unhandled.length;
    console.log(`${passed} passed, ${failed} failed`);
  }
}
