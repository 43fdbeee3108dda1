import { keyTexts as texts } from "../texts/en.keys";
import { Dialog } from "./Dialog";
import { ACTIONS, ACTS, FIXED, type Keymap, keysOf, type Scope } from "./keymap";
import css from "./keys.module.css";
import { pageScope } from "./pageShortcuts";
import { PLACES } from "./places";
import { prefs } from "./prefs";
import { useStore } from "./useStore";

interface Row {
  keys: readonly string[];
  what: string;
}

export function KeysHelp({ close }: { close: () => void }) {
  const scope = useStore(pageScope);
  const { singleKeys, keys } = useStore(prefs);
  return (
    <Dialog title={texts.title} close={close}>
      {!singleKeys && <p className={css.off}>{texts.off}</p>}
      {scope && <Keys title={texts.scopes[scope]} rows={rowsOf(scope, keys)} />}
      <Keys title={texts.everywhere} rows={everywhere(keys)} />
    </Dialog>
  );
}

function rowsOf(scope: Scope, keymap: Keymap): Row[] {
  const has = ({ scopes }: { scopes: readonly Scope[] }) => scopes.includes(scope);
  return [
    ...FIXED.filter(has).map(({ keys, what }) => ({ keys, what: texts.fixed[what] })),
    ...ACTS.filter((act) => has(ACTIONS[act]) && act !== "help" && act !== "go").map((act) => ({
      keys: keysOf(act, keymap),
      what: texts.acts[act],
    })),
  ];
}

function everywhere(keymap: Keymap): Row[] {
  return [
    { keys: keysOf("help", keymap), what: texts.acts.help },
    ...PLACES.flatMap(({ key, name }) =>
      key && name ? [{ keys: [...keysOf("go", keymap), key], what: texts.goTo(name) }] : [],
    ),
    { keys: ["escape"], what: texts.close },
  ];
}

function Keys({ title, rows }: { title: string; rows: readonly Row[] }) {
  return (
    <section className={css.section}>
      <h3>{title}</h3>
      <dl>
        {rows.map(({ keys, what }) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{texts.name(key)}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
