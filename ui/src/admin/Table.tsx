import type { ReactNode } from "react";
import css from "./admin.module.css";

export function Section({ title, action, children }: { title: string; action?: ReactNode; children: ReactNode }) {
  return (
    <section className={css.section}>
      <header>
        <h2>{title}</h2>
        {action}
      </header>
      {children}
    </section>
  );
}

interface TableProps {
  name: string;
  heads: readonly string[];
  /** The first column of numbers; all that follow are numbers too. */
  numbersFrom?: number;
  children: ReactNode;
}

export function Table({ name, heads, numbersFrom = heads.length, children }: TableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled box that the keyboard has to reach
    <section className={css.scrolled} tabIndex={0} aria-label={name}>
      <table>
        <thead>
          <tr>
            {heads.map((head, place) => (
              <th key={head} scope="col" className={place < numbersFrom ? undefined : css.number}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}
