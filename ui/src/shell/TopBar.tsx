import { lazy, Suspense, useEffect, useRef } from "react";
import { Link, useLocation } from "wouter";
import { Icon, type IconName } from "../marks/Icon";
import { Logo } from "../marks/Logo";
import { en } from "../texts/en";
import { keyTexts } from "../texts/en.keys";
import { IconButton } from "./Button";
import { may } from "./may";
import { useMe } from "./me";
import { online } from "./online";
import { hrefOf, MOST_COUNTED, PLACES } from "./places";
import { type Prefs, prefs, setPrefs } from "./prefs";
import { sync } from "./sync";
import css from "./topbar.module.css";
import { useStore } from "./useStore";
import { initials } from "./who";

const AccountMenu = lazy(() => import("./AccountMenu"));

export function TopBar({ showKeys }: { showKeys: () => void }) {
  const me = useMe();
  const [location] = useLocation();
  const places = useFadedEdges(location);
  return (
    <header className={css.bar}>
      <Link href="/" className={css.brand} aria-label={en.name}>
        <Logo />
        <span>{en.name}</span>
      </Link>
      <nav ref={places} className={css.places} aria-label={en.places.main}>
        {PLACES.map((place) => {
          if (!place.name || (place.deed && !may(me, place.deed))) return null;
          const href = hrefOf(place);
          const count = place.count?.(me) ?? 0;
          const isHere = location === href || location.startsWith(`${href}/`);
          return (
            <Link key={href} href={href} aria-current={isHere ? "page" : undefined}>
              {place.name}
              {count > 0 && <span className={css.count}>{en.places.count(count, MOST_COUNTED)}</span>}
            </Link>
          );
        })}
      </nav>
      <div className={css.end}>
        <SyncState />
        <IconButton name={keyTexts.open} onClick={showKeys}>
          <Icon name="help" />
        </IconButton>
        <ThemeButton />
        {may(me, "have-account") ? (
          <Suspense fallback={<span className={css.who}>{initials(me.user.name)}</span>}>
            <AccountMenu className={css.who ?? ""} />
          </Suspense>
        ) : (
          <Link
            href="/settings"
            className={css.who}
            aria-label={en.who.account(initials(me.user.name), me.user.name)}
            title={me.user.name}
          >
            {initials(me.user.name)}
          </Link>
        )}
      </div>
    </header>
  );
}

/** Fades the sides at which more places are, and keeps the one that is open in view. */
function useFadedEdges(location: string) {
  const places = useRef<HTMLElement>(null);
  useEffect(() => {
    const nav = places.current;
    if (!nav) return;
    const fade = () => {
      const after = nav.scrollWidth - nav.clientWidth - nav.scrollLeft;
      nav.toggleAttribute("data-before", nav.scrollLeft > 1);
      nav.toggleAttribute("data-after", after > 1);
    };
    const observer = new ResizeObserver(() => {
      showOpen(nav);
      fade();
    });
    observer.observe(nav);
    nav.addEventListener("scroll", fade, { passive: true });
    return () => {
      observer.disconnect();
      nav.removeEventListener("scroll", fade);
    };
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another location opens another place
  useEffect(() => {
    if (places.current) showOpen(places.current);
  }, [location]);
  return places;
}

function showOpen(nav: HTMLElement): void {
  nav.querySelector("[aria-current]")?.scrollIntoView({ inline: "nearest", block: "nearest" });
}

function SyncState() {
  const { waiting, isWriting, isLate, isStored } = useStore(sync);
  const isOnline = useStore(online);
  const [look, icon, said, more] = !isStored
    ? ([css.late, "warning", en.sync.memory, en.sync.keepOpen] as const)
    : isLate || (waiting > 0 && !isOnline)
      ? ([css.late, "clock", en.sync.waiting(waiting), en.sync.toBeSent] as const)
      : waiting > 0
        ? ([css.saving, "clock", en.sync.saving] as const)
        : ([css.saved, "tick", en.sync.saved] as const);
  return (
    <span className={`${css.sync} ${look}`} data-waiting={waiting} data-writing={isWriting}>
      <Icon name={icon} size={14} />
      <span>
        {said} {more && <span className={css.more}>{more}</span>}
      </span>
    </span>
  );
}

const THEMES: Record<Prefs["theme"], { icon: IconName; next: Prefs["theme"] }> = {
  system: { icon: "screen", next: "light" },
  light: { icon: "sun", next: "dark" },
  dark: { icon: "moon", next: "system" },
};

function ThemeButton() {
  const { theme } = useStore(prefs);
  const { icon, next } = THEMES[theme];
  return (
    <IconButton className={css.theme ?? ""} name={en.theme.next[theme]} onClick={() => setPrefs({ theme: next })}>
      <Icon name={icon} />
    </IconButton>
  );
}
