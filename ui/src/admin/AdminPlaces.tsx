import { Link, useLocation } from "wouter";
import { may } from "../shell/may";
import { useMe } from "../shell/me";
import { people } from "../texts/en.account";
import { operatorsReport } from "../texts/en.consensus";
import { webhooks } from "../texts/en.webhooks";
import css from "./places.module.css";

const texts = people.places;
const OF_PLATFORM = [
  { href: "/admin", name: texts.services },
  { href: "/admin/quotas", name: texts.quotas },
];
const PEOPLE = [
  { href: "/admin/people", name: texts.people },
  { href: "/admin/invitations", name: texts.invitations },
  { href: "/admin/keys", name: texts.keys },
];

/** The way between the pages for administrators. */
export function AdminPlaces() {
  const me = useMe();
  const [location] = useLocation();
  const hasPeople = may(me, "manage-people");
  const places = [
    ...(may(me, "operate") ? OF_PLATFORM : []),
    ...(may(me, "make-teams") ? [{ href: "/admin/teams", name: texts.teams }] : []),
    ...(hasPeople ? PEOPLE : []),
    { href: "/admin/operators", name: operatorsReport.place },
    { href: "/admin/webhooks", name: webhooks.place },
    ...(hasPeople ? [{ href: "/admin/audit", name: texts.audit }] : []),
  ];
  return (
    <nav className={css.places} aria-label={people.nav}>
      {places.map(({ href, name }) => (
        <Link key={href} href={href} aria-current={isIn(location, href) ? "page" : undefined}>
          {name}
        </Link>
      ))}
    </nav>
  );
}

/** Whether a place, or one below it, is open; all are below that of the services. */
function isIn(location: string, href: string): boolean {
  return location === href || (href !== "/admin" && location.startsWith(`${href}/`));
}
