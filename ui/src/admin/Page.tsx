import { type ReactNode, useEffect } from "react";
import { people } from "../texts/en.account";
import { AdminPlaces } from "./AdminPlaces";
import css from "./admin.module.css";

/** A page about a team's people, with its heading and what is done there. */
export function Page({
  title,
  detail,
  action,
  children,
}: {
  title: string;
  detail: string;
  action?: ReactNode;
  children: ReactNode;
}) {
  useEffect(() => {
    document.title = people.title(title);
  }, [title]);
  return (
    <div className={css.page}>
      <AdminPlaces />
      <header className={css.head}>
        <h1>{title}</h1>
        {action}
      </header>
      <p className={css.summary}>{detail}</p>
      <div className={css.section}>{children}</div>
    </div>
  );
}
