import { type KeyboardEvent, type ReactNode, useId, useRef } from "react";
import { Icon } from "../marks/Icon";
import css from "./menu.module.css";

/** `isChecked`: of several items, whether this is the one that holds. */
export type MenuItem = { name: string; isDangerous?: boolean; isChecked?: boolean } & (
  | { act: () => void }
  | { href: string }
);

interface MenuProps {
  /** Its name for screen readers, where the button shows no text. */
  name?: string;
  /** Where a key of the page finds the button. */
  id: string;
  isPrimary?: boolean;
  className?: string | undefined;
  children: ReactNode;
  /** What stands above the items. */
  head?: ReactNode;
  items: readonly MenuItem[];
}

const GAP_PX = 6;

/** Below the button, or above it where there is more room and too little below. */
function topFor({ top, bottom }: DOMRect, height: number): number {
  const isRoomBelow = bottom + GAP_PX + height <= innerHeight || top < innerHeight - bottom;
  return isRoomBelow ? bottom + GAP_PX : Math.max(top - GAP_PX - height, GAP_PX);
}

function roleOf({ isChecked }: MenuItem) {
  return isChecked === undefined ? { role: "menuitem" } : { role: "menuitemradio", "aria-checked": isChecked };
}

/** A button with a menu of actions and downloads, on the browser's own popover: it closes on Escape and outside. */
export function Menu({ name, id, isPrimary = false, className, children, head, items }: MenuProps) {
  const popupId = useId();
  const button = useRef<HTMLButtonElement>(null);
  const popup = useRef<HTMLDivElement>(null);
  const all = () => [...(popup.current?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
  const place = (isOpen: boolean) => {
    const [anchor, shown] = [button.current?.getBoundingClientRect(), popup.current];
    if (!isOpen || !anchor || !shown) return;
    shown.style.top = `${topFor(anchor, shown.offsetHeight)}px`;
    shown.style.left = `${Math.max(anchor.right - shown.offsetWidth, GAP_PX)}px`;
    all()[0]?.focus();
  };
  const pressed = (event: KeyboardEvent) => {
    const at = all().indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (event.key === "Tab") popup.current?.hidePopover();
    if (to === undefined) return;
    event.preventDefault();
    all()
      .at(to % items.length)
      ?.focus();
  };
  const close = () => popup.current?.hidePopover();
  return (
    <>
      <button
        ref={button}
        id={id}
        type="button"
        className={className ?? `${css.trigger} ${isPrimary ? css.primary : ""}`}
        aria-label={name}
        aria-haspopup="menu"
        popoverTarget={popupId}
      >
        {children}
      </button>
      <div
        ref={popup}
        id={popupId}
        popover="auto"
        className={css.popup}
        onToggle={(event) => place(event.newState === "open")}
      >
        {head}
        <div role="menu" tabIndex={-1} aria-labelledby={id} onKeyDown={pressed}>
          {items.map((item) =>
            "href" in item ? (
              <a key={item.name} role="menuitem" className={css.item} href={item.href} download onClick={close}>
                {item.name}
              </a>
            ) : (
              <button
                key={item.name}
                type="button"
                {...roleOf(item)}
                className={`${css.item} ${item.isDangerous ? css.danger : ""}`}
                onClick={() => {
                  close();
                  item.act();
                }}
              >
                {item.name}
                {item.isChecked && <Icon name="tick" size={14} />}
              </button>
            ),
          )}
        </div>
      </div>
    </>
  );
}
