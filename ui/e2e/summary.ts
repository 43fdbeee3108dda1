import type { Reporter, TestCase, TestResult } from "@playwright/test/reporter";

/** Prints the line by which CI counts browser tests. */
export default class Summary implements Reporter {
  readonly #outcomes = new Map<string, boolean>();

  onTestEnd(test: TestCase, result: TestResult): void {
    if (result.status !== "skipped") this.#outcomes.set(test.id, result.status === test.expectedStatus);
  }

  onEnd(): void {
    const all = [...this.#outcomes.values()];
    const passed = all.filter(Boolean).length;
    console.log(`${passed} passed, ${all.length - passed} failed`);
  }

  printsToStdio(): boolean {
    return true;
  }
}
