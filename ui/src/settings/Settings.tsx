import { type ReactNode, useEffect } from "react";
import { Link } from "wouter";
import { Button } from "../shell/Button";
import { may } from "../shell/may";
import { useMe } from "../shell/me";
import { FEWEST_AHEAD, MOST_AHEAD, type Prefs, prefs, setPrefs } from "../shell/prefs";
import { useStore } from "../shell/useStore";
import { givenName } from "../shell/who";
import { en } from "../texts/en";
import { settings as texts } from "../texts/en.settings";
import { Keys } from "./Keys";
import css from "./settings.module.css";
import { Transfer } from "./Transfer";

export default function Settings() {
  const me = useMe();
  useEffect(() => {
    document.title = en.title(en.places.settings);
  }, []);
  return (
    <div className={css.page}>
      <h1>{en.places.settings}</h1>
      <p className={css.kept}>{texts.kept}</p>
      <section className={css.card} aria-label={me.user.name}>
        <div className={css.row}>
          <div>
            <h2>{me.user.name}</h2>
            <p>{texts.who}</p>
          </div>
          {may(me, "have-account") ? (
            <Link href="/account">{texts.account}</Link>
          ) : (
            <Button onClick={() => givenName.set("")}>{texts.change}</Button>
          )}
        </div>
      </section>
      <Card title={texts.look}>
        <Choice name="theme" />
        <Choice name="contrast" />
        <Choice name="motion" />
      </Card>
      <Card title={texts.work}>
        <Choice name="hand" />
        <Switch name="strip" />
        <Switch name="boxes" />
        <Switch name="announces" />
        <Ahead />
      </Card>
      <Card title={texts.names.keys}>
        <Switch name="singleKeys" />
        <Keys />
      </Card>
      <Card title={texts.transfer.title}>
        <Transfer />
      </Card>
    </div>
  );
}

function Card({ title, children }: { title: string; children: ReactNode }) {
  return (
    <>
      <h2 className={css.title}>{title}</h2>
      <section className={css.card} aria-label={title}>
        {children}
      </section>
    </>
  );
}

function Choice({ name }: { name: keyof typeof texts.choices }) {
  const chosen = useStore(prefs)[name];
  return (
    <fieldset className={css.row}>
      <legend>{texts.names[name]}</legend>
      <div className={css.choices}>
        {Object.entries(texts.choices[name]).map(([value, text]) => (
          <label key={value}>
            <input type="radio" name={name} checked={chosen === value} onChange={() => setPrefs({ [name]: value })} />
            {text}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function Switch({ name }: { name: keyof Prefs & ("strip" | "boxes" | "singleKeys" | "announces") }) {
  const isOn = useStore(prefs)[name];
  return (
    <label className={css.row}>
      <span>
        <strong>{texts.names[name]}</strong>
        <span>{texts.details[name]}</span>
      </span>
      <input type="checkbox" checked={isOn} onChange={() => setPrefs({ [name]: !isOn })} />
    </label>
  );
}

function Ahead() {
  const { ahead } = useStore(prefs);
  return (
    <label className={css.row}>
      <span>
        <strong>{texts.names.ahead}</strong>
        <span>{texts.details.ahead}</span>
      </span>
      <span className={css.range}>
        <input
          type="range"
          min={FEWEST_AHEAD}
          max={MOST_AHEAD}
          value={ahead}
          aria-label={texts.names.ahead}
          onChange={(event) => setPrefs({ ahead: event.target.valueAsNumber })}
        />
        <output>{en.number(ahead)}</output>
      </span>
    </label>
  );
}
