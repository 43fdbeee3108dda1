import { useEffect, useState } from "react";
import { ApiProblem } from "../api/client";

const SECOND_MS = 1_000;

/** Seconds until the platform takes another try, counted down; set by the problem that says so. */
export function useWait(): { seconds: number; after: (error: unknown) => void } {
  const [until, setUntil] = useState(0);
  const [now, setNow] = useState(0);
  const isWaiting = until > now;
  useEffect(() => {
    if (!isWaiting) return;
    const timer = setInterval(() => setNow(Date.now()), SECOND_MS);
    return () => clearInterval(timer);
  }, [isWaiting]);
  const after = (error: unknown) => {
    if (!(error instanceof ApiProblem) || error.retryAfterSeconds === null) return;
    setNow(Date.now());
    setUntil(Date.now() + error.retryAfterSeconds * SECOND_MS);
  };
  return { seconds: isWaiting ? Math.ceil((until - now) / SECOND_MS) : 0, after };
}
