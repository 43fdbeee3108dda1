import { Suspense, useEffect, useRef, useState } from "react";
import { Link, Redirect, Route, Switch, useLocation } from "wouter";
import { en } from "../texts/en";
import css from "./app.module.css";
import button from "./button.module.css";
import { KeysHelp } from "./KeysHelp";
import { keepPrefs } from "./keepPrefs";
import { isLink } from "./linkAddress";
import { may } from "./may";
import { MeContext, useMe, useMeQuery } from "./me";
import { online } from "./online";
import { hrefOf, OUTSIDE, PLACES, type Place } from "./places";
import { Empty, Failure, Loading } from "./States";
import { isTold } from "./session";
import { isKeyOf, onKeys } from "./shortcuts";
import { backTo, RETURN, signInFrom } from "./signInAddress";
import { TopBar } from "./TopBar";
import { useStore } from "./useStore";
import { Who } from "./Who";
import { auth, who } from "./who";

export function App() {
  const me = useMeQuery();
  const user = useStore(who);
  const isAuthKnown = useStore(isTold);
  const [path] = useLocation();
  const isOutside = user === "" || isLink(path) || path === RETURN;
  if (useStore(auth) === "on" && isOutside) return <Outside />;
  if (user === "") return isAuthKnown ? <Who /> : <Loading />;
  if (!me.data) return me.error && isAuthKnown ? <Failure error={me.error} retry={() => me.refetch()} /> : <Loading />;
  return (
    <MeContext value={me.data}>
      <Shell />
    </MeContext>
  );
}

/** Before anybody is signed in, and where a link makes somebody a member. */
function Outside() {
  return (
    <Suspense fallback={<Loading />}>
      <Switch>
        {OUTSIDE.map(({ path, page: Page }) => (
          <Route key={path} path={path}>
            <Page />
          </Route>
        ))}
        <Route>
          <Redirect to={signInFrom(location)} replace />
        </Route>
      </Switch>
    </Suspense>
  );
}

function Shell() {
  const { user } = useMe();
  useEffect(() => keepPrefs(user.id), [user.id]);
  const [isHelpOpen, setHelpOpen] = useState(false);
  useGlobalKeys(() => setHelpOpen(true));
  const isOnline = useStore(online);
  return (
    <>
      <a className={css.skip} href="#content">
        {en.skip}
      </a>
      <TopBar showKeys={() => setHelpOpen(true)} />
      {!isOnline && (
        <p className={css.offline} role="status" data-offline="">
          {en.states.offline}
        </p>
      )}
      <main id="content" className={css.content} tabIndex={-1}>
        <Suspense fallback={<Loading />}>
          <Pages />
        </Suspense>
      </main>
      {isHelpOpen && <KeysHelp close={() => setHelpOpen(false)} />}
    </>
  );
}

function Pages() {
  const me = useMe();
  const first = PLACES.find((place) => place.name && (!place.deed || may(me, place.deed)));
  return (
    <Switch>
      <Route path="/">{first ? <Redirect to={hrefOf(first)} replace /> : <NotFound />}</Route>
      <Route path="/sign-in">
        <Redirect to={backTo(location)} replace />
      </Route>
      {PLACES.map((place) => (
        <Route key={place.path} path={place.path}>
          <Allowed place={place} />
        </Route>
      ))}
      <Route>
        <NotFound />
      </Route>
    </Switch>
  );
}

function Allowed({ place }: { place: Place }) {
  const me = useMe();
  if (place.deed && !may(me, place.deed))
    return (
      <Empty title={en.places.notAllowed} action={<Home />}>
        {en.places.notAllowedDetail}
      </Empty>
    );
  return <place.page />;
}

function NotFound() {
  return (
    <Empty title={en.places.notFound} action={<Home />}>
      {en.places.notFoundDetail}
    </Empty>
  );
}

function Home() {
  return (
    <Link href="/" className={button.button}>
      {en.places.home}
    </Link>
  );
}

/** The list of keys everywhere, and the way to other pages wherever the page does not use that key itself. */
function useGlobalKeys(showHelp: () => void) {
  const [, navigate] = useLocation();
  const isGoing = useRef(false);
  const show = useRef(showHelp);
  useEffect(
    () =>
      onKeys((key, event) => {
        const place = isGoing.current ? PLACES.find((one) => one.key === key) : undefined;
        isGoing.current = isKeyOf("go", key) && !event.defaultPrevented;
        if (place) navigate(hrefOf(place));
        else if (isKeyOf("help", key)) show.current();
        else return false;
        return true;
      }),
    [navigate],
  );
}
