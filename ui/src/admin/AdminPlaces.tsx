import { Link, useLocation } from "wouter";
import { may } from "../shell/may";
import { useMe } from "../shell/me";
import { people } from "../texts/en.account";
import css from "./places.module.css";

const texts = people.places;

/** The way between the pages for administrators. */
export function AdminPlaces() {
  const me = useMe();
  const [location] = useLocation();
  const ofPlatform = [
    { href: "/admin", name: texts.services },
    { href: "/admin/quotas", name: texts.quotas },
  ];
  const ofTeam = [
    { href: "/admin/people", name: texts.people },
    { href: "/admin/invitations", name: texts.invitations },
    { href: "/admin/keys", name: texts.keys },
    { href: "/admin/audit", name: texts.audit },
  ];
  const places = [...(may(me, "operate") ? ofPlatform : []), ...(may(me, "manage-people") ? ofTeam : [])];
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
