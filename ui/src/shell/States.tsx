/** What every view shows while it loads, has nothing, or could not load. */
import { type ReactNode, useEffect, useState } from "react";
import { ApiProblem } from "../api/client";
import { Mark } from "../marks/Mark";
import { en } from "../texts/en";
import { Button } from "./Button";
import css from "./states.module.css";

/** Waiting that is not noticed. */
export const PATIENCE_MS = 150;

/** A skeleton, shown only once waiting has become noticeable. */
export function Loading({ children }: { children?: ReactNode }) {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!isLate) return null;
  return (
    <div role="status" aria-busy="true" aria-label={en.states.loading}>
      {children ?? (
        <div className={css.state}>
          <Mark state="open" needed={3} agreeing={1} size={40} />
        </div>
      )}
    </div>
  );
}

interface EmptyProps {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  /** Nothing is here because all of it is done. */
  isDone?: boolean;
}

/** One sentence and one action. */
export function Empty({ title, children, action, isDone = false }: EmptyProps) {
  return (
    <div className={css.state}>
      <Mark state={isDone ? "settled" : "open"} needed={3} agreeing={isDone ? 3 : 0} size={40} />
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {action}
    </div>
  );
}

/** What went wrong, in the platform's words, and a way to try again. */
export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const problem = error instanceof ApiProblem ? error : null;
  const isCut = problem?.isUnreachable ?? false;
  const isOfServer = (problem?.status ?? 0) >= 500; // titles of other answers are words of HTTP, such as Unprocessable Entity
  return (
    <div className={css.state} role="alert">
      <Mark state="disputed" needed={3} against={3} size={40} />
      <h2>{isCut ? en.states.noConnection : isOfServer ? problem?.title : en.states.failed}</h2>
      <p>{isCut ? en.states.noConnectionDetail : (problem?.detail ?? String(error))}</p>
      {problem?.requestId && <p className={css.request}>{en.states.request(problem.requestId)}</p>}
      {retry && <Button onClick={retry}>{en.states.retry}</Button>}
    </div>
  );
}
