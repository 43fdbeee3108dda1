import { expect, it } from "vitest";
import { judged } from "../upload/judge";
import { asReport } from "./submissions";

const job = (filename: string, status: string, reason: string | null = null) => ({
  filename,
  status,
  reason,
  notes: [],
  id: null,
});

it("what became of jobs is read as the report of an upload", () => {
  const jobs = [job("a.jpg", "accepted"), job("b.txt", "rejected", "no picture")];
  const taken = asReport({ status: 201, retryAfterS: null, body: { id: null, jobs } });
  expect(judged(taken, 0)).toEqual({
    what: "report",
    rows: jobs.map(({ filename, status, reason, notes }) => ({ filename, status, reason, notes })),
  });
});

it("where no file was taken the problem names each, and where no model is loaded it is tried again", () => {
  const body = { detail: "no picture", jobs: [job("b.txt", "rejected", "no picture")] };
  expect(judged(asReport({ status: 422, retryAfterS: null, body }), 0)).toMatchObject({ what: "report" });
  const busy = { status: 503, retryAfterS: 10, body: { detail: "no detection model is loaded" } };
  expect(judged(asReport(busy), 0)).toMatchObject({ what: "again", afterS: 10 });
  expect(asReport(null)).toBeNull();
});
