import { useEffect } from "react";
import { Button } from "../shell/Button";
import { useMe } from "../shell/me";
import { type Prefs, prefs, setPrefs } from "../shell/prefs";
import { useStore } from "../shell/useStore";
import { who } from "../shell/who";
import { en } from "../texts/en";
import css from "./settings.module.css";

const SWITCHES = ["strip", "boxes", "singleKeys"] as const;
const THEMES = ["system", "light", "dark"] as const;

export default function Settings() {
  const me = useMe();
  const chosen = useStore(prefs);
  useEffect(() => {
    document.title = en.title(en.places.settings);
  }, []);
  return (
    <div className={css.page}>
      <h1>{en.places.settings}</h1>
      <p>{en.settings.kept}</p>
      <section className={css.card}>
        <div className={css.row}>
          <div>
            <h2>{me.user.name}</h2>
            <p>{en.settings.who}</p>
          </div>
          <Button onClick={() => who.set("")}>{en.settings.change}</Button>
        </div>
        <fieldset className={css.row}>
          <legend>{en.theme.name}</legend>
          <div className={css.choices}>
            {THEMES.map((theme) => (
              <label key={theme}>
                <input
                  type="radio"
                  name="theme"
                  checked={chosen.theme === theme}
                  onChange={() => setPrefs({ theme })}
                />
                {en.settings.themes[theme]}
              </label>
            ))}
          </div>
        </fieldset>
        {SWITCHES.map((name) => (
          <Switch key={name} name={name} isOn={chosen[name]} />
        ))}
      </section>
    </div>
  );
}

function Switch({ name, isOn }: { name: keyof Prefs & keyof typeof en.settings.switches; isOn: boolean }) {
  const [title, detail] = en.settings.switches[name];
  return (
    <label className={css.row}>
      <span>
        <strong>{title}</strong>
        <span>{detail}</span>
      </span>
      <input type="checkbox" checked={isOn} onChange={() => setPrefs({ [name]: !isOn })} />
    </label>
  );
}
