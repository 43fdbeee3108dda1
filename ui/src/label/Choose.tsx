import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, Redirect } from "wouter";
import { fetchWork, type Work } from "../api/fields";
import { Icon } from "../marks/Icon";
import button from "../shell/button.module.css";
import { useMe } from "../shell/me";
import { Loading } from "../shell/States";
import { label as texts } from "../texts/en.label";
import { ANY } from "./address";
import css from "./choose.module.css";

const ANY_TASK = `/label/${ANY}`;

/** Where no task was named: the tasks that have images for the person. Where there are not several, work begins. */
export default function Choose() {
  const { user } = useMe();
  const { data, error } = useQuery({
    queryKey: ["work", user.id],
    queryFn: ({ signal }) => fetchWork(user.id, signal),
    gcTime: 0,
    retry: false,
    refetchInterval: 30_000,
  });
  const [isChoice, setChoice] = useState<boolean | null>(null);
  if (isChoice === null && data) setChoice(data.filter((work) => work.open_for_me).length > 1);
  if (isChoice === false || (error && !data)) return <Redirect to={ANY_TASK + location.search} replace />;
  if (!data) return <Loading />;
  return (
    <section className={css.page} aria-labelledby="choose">
      <header className={css.head}>
        <h1 id="choose">{texts.choose.title}</h1>
        <Link href={ANY_TASK} className={button.button}>
          {texts.choose.any}
        </Link>
      </header>
      <ul className={css.tasks} aria-label={texts.choose.tasks}>
        {data.map((work) => (
          <Task key={work.task_id} work={work} />
        ))}
      </ul>
    </section>
  );
}

function Task({ work }: { work: Work }) {
  const name = work.name ?? texts.choose.unnamed;
  return (
    <li className={css.task}>
      {work.open_for_me ? <Link href={`/label/${work.task_id}`}>{name}</Link> : <span>{name}</span>}
      <p>
        {texts.choose.labels(work.labels)}
        {work.has_suggestions && (
          <>
            <Icon name="suggestion" size={14} /> {texts.choose.suggestions}
          </>
        )}
      </p>
      {!work.open_for_me && <p>{texts.choose.others(work.waiting_for_others)}</p>}
    </li>
  );
}
