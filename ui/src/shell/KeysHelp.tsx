import { en } from "../texts/en";
import { Dialog } from "./Dialog";
import css from "./keys.module.css";
import { pageShortcuts } from "./pageShortcuts";
import { PLACES } from "./places";
import { prefs } from "./prefs";
import type { Shortcut } from "./shortcuts";
import { useStore } from "./useStore";

const EVERYWHERE: readonly Shortcut[] = [
  { keys: ["?"], what: en.keys.help },
  ...PLACES.flatMap(({ key, name }) => (key && name ? [{ keys: ["g", key], what: en.keys.goTo(name) }] : [])),
  { keys: ["Esc"], what: en.keys.close },
];

export function KeysHelp({ close }: { close: () => void }) {
  const here = useStore(pageShortcuts);
  const { singleKeys } = useStore(prefs);
  return (
    <Dialog title={en.keys.title} close={close}>
      {!singleKeys && <p className={css.off}>{en.keys.off}</p>}
      {here.length > 0 && <Keys title={document.title.split(" · ")[0] ?? ""} shortcuts={here} />}
      <Keys title={en.keys.everywhere} shortcuts={EVERYWHERE} />
    </Dialog>
  );
}

function Keys({ title, shortcuts }: { title: string; shortcuts: readonly Shortcut[] }) {
  return (
    <section className={css.section}>
      <h3>{title}</h3>
      <dl>
        {shortcuts.map(({ keys, what }) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key.length === 1 ? key.toUpperCase() : key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
