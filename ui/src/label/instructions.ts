/** A task's instructions as the page shows them: a short first line is the question. */
import { label as texts } from "../texts/en.label";

const LONGEST_QUESTION = 80;

export function questionOf(instructions: string | null): { question: string; detail: string } {
  const [first = "", ...rest] = (instructions ?? "").trim().split(/\n+/);
  const isQuestion = first.length > 0 && first.length <= LONGEST_QUESTION;
  return isQuestion ? { question: first, detail: rest.join(" ") } : { question: texts.question, detail: first };
}
