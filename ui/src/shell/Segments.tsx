import type { ReactNode } from "react";
import css from "./segments.module.css";

interface SegmentsProps {
  label: string;
  className?: string | undefined;
  children: ReactNode;
}

/** A row of buttons, of which the one that holds is pressed. */
export function Segments({ label, className = "", children }: SegmentsProps) {
  return (
    <fieldset className={`${css.segments} ${className}`} aria-label={label}>
      {children}
    </fieldset>
  );
}
