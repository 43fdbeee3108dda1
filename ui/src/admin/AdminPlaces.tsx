import { Link, useLocation } from "wouter";
import { may } from "../shell/may";
import { useMe } from "../shell/me";
import { people } from "../texts/en.account";
import css from "./places.module.css";

const texts = people.places;

/** The way between the pages for administrators, where there is more than one. */
export function AdminPlaces() {
  const me = useMe();
  const [location] = useLocation();
  if (!may(me, "manage-people")) return null;
  const places = [
    ...(may(me, "operate") ? [{ href: "/admin", name: texts.services }] : []),
    ...(may(me, "make-teams") ? [{ href: "/admin/teams", name: texts.teams }] : []),
    { href: "/admin/people", name: texts.people },
    { href: "/admin/invitations", name: texts.invitations },
    { href: "/admin/keys", name: texts.keys },
    { href: "/admin/audit", name: texts.audit },
  ];
  return (
    <nav className={css.places} aria-label={people.nav}>
      {places.map(({ href, name }) => (
        <Link key={href} href={href} aria-current={location === href ? "page" : undefined}>
          {name}
        </Link>
      ))}
    </nav>
  );
}
